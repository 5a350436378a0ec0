/** Why a run ended early, as the user sees it: exit status 1. */
export class RunError extends Error {
  override readonly name: string = 'RunError';
  /** What is known of the run that failed. */
  known?: object;
}
