/** What the SMPI programs share: the line that the bench checks, and how they end when a result is wrong. */
#pragma once

#include <mpi.h>
#include <stdio.h>

/** `done` operations that began at `start`, in simulated seconds. */
static inline void report(long done, double start) {
  printf("{\"done\":%ld,\"simulated_ns\":%.3f}\n", done, (MPI_Wtime() - start) * 1e9);
}

static inline void check(int right, const char *what) {
  if (right) return;
  fprintf(stderr, "wrong: %s\n", what);
  MPI_Abort(MPI_COMM_WORLD, 1);
}
