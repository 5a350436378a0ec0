/** Why a run ended before its time, as it is told to the user: exit status 1. */
export class RunError extends Error {
  override readonly name: string = 'RunError';
  /** What is known of the run that failed. */
  known?: object;
}
