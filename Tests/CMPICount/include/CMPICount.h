// Communicators made and given back by this process, counted by MPI's profiling interface: the functions of this
// library stand before those of MPI.
#pragma once

int cmpi_communicators_made(void);
int cmpi_communicators_freed(void);
