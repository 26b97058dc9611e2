// MPI handles are macros in every implementation and do not import into Swift.
// These static inline functions wrap what MDParallel needs on MPI_COMM_WORLD, with bytes as the only
// message type; each returns the MPI error code.
#ifndef FAULTLINE_CMPI_H
#define FAULTLINE_CMPI_H
#include <mpi.h>
#include <stdint.h>

enum { cmpi_sum = 0, cmpi_minimum = 1, cmpi_maximum = 2 };

static inline MPI_Op cmpi_operation(int operation) {
  return operation == cmpi_sum ? MPI_SUM : operation == cmpi_minimum ? MPI_MIN : MPI_MAX;
}
static inline int cmpi_peer(int rank) { return rank < 0 ? MPI_PROC_NULL : rank; }

// Errors are returned, not fatal, so that the message can name the rank and the call.
static inline int cmpi_init(void) {
  int provided = 0;
  int code = MPI_Init_thread(0, 0, MPI_THREAD_FUNNELED, &provided);
  return code != MPI_SUCCESS ? code : MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
}
static inline int cmpi_finalize(void) { return MPI_Finalize(); }
static inline int cmpi_initialized(void) {
  int flag = 0;
  MPI_Initialized(&flag);
  return flag;
}
static inline int cmpi_rank(int *rank) { return MPI_Comm_rank(MPI_COMM_WORLD, rank); }
static inline int cmpi_size(int *size) { return MPI_Comm_size(MPI_COMM_WORLD, size); }
static inline int cmpi_barrier(void) { return MPI_Barrier(MPI_COMM_WORLD); }
static inline int cmpi_abort(int code) { return MPI_Abort(MPI_COMM_WORLD, code); }

static inline int cmpi_max_error_string(void) { return MPI_MAX_ERROR_STRING; }
static inline int cmpi_error_string(int code, char *text) {
  int length = 0;
  return MPI_Error_string(code, text, &length);
}

// A negative rank means nobody; `received` is then 0.
static inline int cmpi_send_receive(const void *send, int send_count, int destination, void *receive,
                                    int receive_count, int source, int tag, int *received) {
  MPI_Status status;
  int code = MPI_Sendrecv(send, send_count, MPI_BYTE, cmpi_peer(destination), tag, receive, receive_count,
                          MPI_BYTE, cmpi_peer(source), tag, MPI_COMM_WORLD, &status);
  return code != MPI_SUCCESS ? code : MPI_Get_count(&status, MPI_BYTE, received);
}
static inline int cmpi_broadcast(void *bytes, int count, int root) {
  return MPI_Bcast(bytes, count, MPI_BYTE, root, MPI_COMM_WORLD);
}
static inline int cmpi_all_gather(const void *mine, int count, void *all) {
  return MPI_Allgather(mine, count, MPI_BYTE, all, count, MPI_BYTE, MPI_COMM_WORLD);
}
static inline int cmpi_reduce_double(double *values, int count, int operation, int root, int is_root) {
  return MPI_Reduce(is_root ? MPI_IN_PLACE : values, values, count, MPI_DOUBLE, cmpi_operation(operation), root,
                    MPI_COMM_WORLD);
}
static inline int cmpi_all_reduce_double(double *values, int count, int operation) {
  return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, cmpi_operation(operation), MPI_COMM_WORLD);
}
static inline int cmpi_all_reduce_int64(int64_t *values, int count, int operation) {
  return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_INT64_T, cmpi_operation(operation), MPI_COMM_WORLD);
}

#endif
