/** Two ranks hand a message of 64 B to and fro: `ping-pong ROUND_TRIPS`. Each message holds the number of its round trip. */
#include "report.h"
#include <stdlib.h>

enum { BYTES = 64, LENGTH = BYTES / sizeof(long) };

int main(int argc, char *argv[]) {
  MPI_Init(&argc, &argv);
  const long round_trips = argc > 1 ? atol(argv[1]) : 1;
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const int peer = 1 - rank;
  long message[LENGTH] = {0};
  const double start = MPI_Wtime();
  for (long number = 1; number <= round_trips; number++) {
    if (rank == 0) {
      message[0] = number;
      MPI_Send(message, BYTES, MPI_BYTE, peer, 0, MPI_COMM_WORLD);
    }
    MPI_Recv(message, BYTES, MPI_BYTE, peer, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    check(message[0] == number, "the message that arrived");
    if (rank == 1) MPI_Send(message, BYTES, MPI_BYTE, peer, 0, MPI_COMM_WORLD);
  }
  if (rank == 0) report(2 * round_trips, start);
  MPI_Finalize();
}
