// MPI handles are macros in every implementation and do not import into Swift.
// These static inline functions wrap what MDParallel needs; errors are returned as MPI codes.
#ifndef FAULTLINE_CMPI_H
#define FAULTLINE_CMPI_H
#include <mpi.h>

static inline int cmpi_init(void) {
  int provided = 0;
  return MPI_Init_thread(0, 0, MPI_THREAD_FUNNELED, &provided);
}
static inline int cmpi_finalize(void) { return MPI_Finalize(); }

#endif
