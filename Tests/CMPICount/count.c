#include "CMPICount.h"

#include <mpi.h>

static int made = 0, freed = 0;

int cmpi_communicators_made(void) { return made; }
int cmpi_communicators_freed(void) { return freed; }

int MPI_Comm_split(MPI_Comm comm, int color, int key, MPI_Comm *group) {
  int code = PMPI_Comm_split(comm, color, key, group);
  made += *group != MPI_COMM_NULL;
  return code;
}

int MPI_Comm_free(MPI_Comm *comm) {
  freed += 1;
  return PMPI_Comm_free(comm);
}
