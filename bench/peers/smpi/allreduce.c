/** All ranks add up one double: `allreduce OPERATIONS`. Each operation adds its number, so each has another sum. */
#include "report.h"
#include <stdlib.h>

int main(int argc, char *argv[]) {
  MPI_Init(&argc, &argv);
  const long operations = argc > 1 ? atol(argv[1]) : 1;
  int rank, ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const double start = MPI_Wtime();
  for (long number = 1; number <= operations; number++) {
    const double own = rank + number;
    double sum = 0;
    MPI_Allreduce(&own, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    check(sum == ranks * (ranks - 1) / 2 + (double)ranks * number, "the sum");
  }
  if (rank == 0) report(operations, start);
  MPI_Finalize();
}
