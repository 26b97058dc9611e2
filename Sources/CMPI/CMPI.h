// MPI handles are macros in every implementation and do not import into Swift.
// These static inline functions wrap what MDParallel needs, on any communicator, with bytes as the only
// message type; each returns the MPI error code.
#ifndef FAULTLINE_CMPI_H
#define FAULTLINE_CMPI_H
#include <mpi.h>
#include <stdint.h>
#include <stdlib.h>

enum { cmpi_sum = 0, cmpi_minimum = 1, cmpi_maximum = 2 };

static inline MPI_Op cmpi_operation(int operation) {
  return operation == cmpi_sum ? MPI_SUM : operation == cmpi_minimum ? MPI_MIN : MPI_MAX;
}
static inline int cmpi_peer(int rank) { return rank < 0 ? MPI_PROC_NULL : rank; }

static inline int cmpi_init(void) {
  int provided = 0;
  return MPI_Init_thread(0, 0, MPI_THREAD_FUNNELED, &provided);
}
static inline int cmpi_finalize(void) { return MPI_Finalize(); }

// All ranks of the job: for the program's start alone. Everything else is given the communicator that it works on.
static inline MPI_Comm cmpi_world(void) { return MPI_COMM_WORLD; }

// Errors are returned, not fatal, so that the message can name the rank and the call.
static inline int cmpi_return_errors(MPI_Comm comm) { return MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN); }
static inline int cmpi_rank(MPI_Comm comm, int *rank) { return MPI_Comm_rank(comm, rank); }
static inline int cmpi_size(MPI_Comm comm, int *size) { return MPI_Comm_size(comm, size); }
static inline int cmpi_barrier(MPI_Comm comm) { return MPI_Barrier(comm); }
static inline int cmpi_abort(MPI_Comm comm, int code) { return MPI_Abort(comm, code); }

// A structure, since a pointer to a handle imports as different types from different MPI libraries.
typedef struct {
  int code;
  // 0 on a rank that gave no colour: `comm` is none then.
  int is_member;
  MPI_Comm comm;
} cmpi_group;
// A negative colour: no member of any group.
static inline cmpi_group cmpi_split(MPI_Comm comm, int color, int key) {
  cmpi_group group = {0, 0, MPI_COMM_NULL};
  group.code = MPI_Comm_split(comm, color < 0 ? MPI_UNDEFINED : color, key, &group.comm);
  group.is_member = group.comm != MPI_COMM_NULL;
  return group;
}
// The lowest rank of those on this one's node, which are those that it could share memory with.
static inline int cmpi_first_on_node(MPI_Comm comm, int rank, int *first) {
  MPI_Comm node = MPI_COMM_NULL;
  int code = MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  if (code != MPI_SUCCESS) return code;
  *first = rank;
  code = MPI_Allreduce(MPI_IN_PLACE, first, 1, MPI_INT, MPI_MIN, node);
  int freed = MPI_Comm_free(&node);
  return code != MPI_SUCCESS ? code : freed;
}
// Nothing once MPI has ended.
static inline int cmpi_free(MPI_Comm comm) {
  int ended = 0;
  int code = MPI_Finalized(&ended);
  return code != MPI_SUCCESS || ended ? code : MPI_Comm_free(&comm);
}

static inline int cmpi_max_error_string(void) { return MPI_MAX_ERROR_STRING; }
static inline int cmpi_error_string(int code, char *text) {
  int length = 0;
  return MPI_Error_string(code, text, &length);
}

// A negative rank means nobody; `received` is then 0.
static inline int cmpi_send_receive(MPI_Comm comm, const void *send, int send_count, int destination, void *receive,
                                    int receive_count, int source, int tag, int *received) {
  MPI_Status status;
  int code = MPI_Sendrecv(send, send_count, MPI_BYTE, cmpi_peer(destination), tag, receive, receive_count,
                          MPI_BYTE, cmpi_peer(source), tag, comm, &status);
  return code != MPI_SUCCESS ? code : MPI_Get_count(&status, MPI_BYTE, received);
}
// All messages at once; each side knows how long each is, and a shorter one is an error. `parcels`: rank, offset and length of
// what goes out, then of what comes in.
static inline int cmpi_exchange(MPI_Comm comm, const char *outgoing, int sends, char *incoming, int receives,
                                const int64_t *parcels, int tag) {
  int count = sends + receives;
  MPI_Request *requests = (MPI_Request *)malloc(sizeof(MPI_Request) * (size_t)(count + 1));
  MPI_Status *statuses = (MPI_Status *)malloc(sizeof(MPI_Status) * (size_t)(count + 1));
  int code = requests && statuses ? MPI_SUCCESS : MPI_ERR_OTHER;
  for (int k = sends; k < count && code == MPI_SUCCESS; k++) {
    const int64_t *p = parcels + 3 * k;
    code = MPI_Irecv(incoming + p[1], (int)p[2], MPI_BYTE, (int)p[0], tag, comm, requests + k);
  }
  for (int k = 0; k < sends && code == MPI_SUCCESS; k++) {
    const int64_t *p = parcels + 3 * k;
    code = MPI_Isend(outgoing + p[1], (int)p[2], MPI_BYTE, (int)p[0], tag, comm, requests + k);
  }
  if (code == MPI_SUCCESS) code = MPI_Waitall(count, requests, statuses);
  for (int k = sends; k < count && code == MPI_SUCCESS; k++) {
    int came = 0;
    code = MPI_Get_count(statuses + k, MPI_BYTE, &came);
    if (code == MPI_SUCCESS && came != parcels[3 * k + 2]) code = MPI_ERR_TRUNCATE;
  }
  free(requests);
  free(statuses);
  return code;
}
// Whether a message is there, without waiting for one.
static inline int cmpi_probe(MPI_Comm comm, int source, int tag, int *is_there) {
  return MPI_Iprobe(source, tag, comm, is_there, MPI_STATUS_IGNORE);
}
static inline int cmpi_broadcast(MPI_Comm comm, void *bytes, int count, int root) {
  return MPI_Bcast(bytes, count, MPI_BYTE, root, comm);
}
static inline int cmpi_all_gather(MPI_Comm comm, const void *mine, int count, void *all) {
  return MPI_Allgather(mine, count, MPI_BYTE, all, count, MPI_BYTE, comm);
}
static inline int cmpi_reduce_double(MPI_Comm comm, double *values, int count, int operation, int root, int is_root) {
  return MPI_Reduce(is_root ? MPI_IN_PLACE : values, values, count, MPI_DOUBLE, cmpi_operation(operation), root, comm);
}
static inline int cmpi_all_reduce_double(MPI_Comm comm, double *values, int count, int operation) {
  return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, cmpi_operation(operation), comm);
}
static inline int cmpi_all_reduce_int64(MPI_Comm comm, int64_t *values, int count, int operation) {
  return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_INT64_T, cmpi_operation(operation), comm);
}

#endif
