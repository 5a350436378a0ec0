/**
 * A page that is expensive to render, for strangers who may request it as often as they like. It is rendered once for
 * all requests that arrive meanwhile, and kept so long that rendering takes at most a tenth of the process's time. A
 * caller that is slow to read it holds the same bytes as all others.
 */
import type { Page } from '../../node/door/admission.js';

/** Times as long as it took to make. */
const KEPT = 9;

export class KeptPage {
  private readonly make: () => Promise<Page>;
  private page: Promise<Page> | undefined;
  private keptUntil = 0;

  constructor(make: () => Promise<Page>) {
    this.make = make;
  }

  /** The page as it is now, or was a moment ago. */
  read(): Promise<Page> {
    if (this.page !== undefined && performance.now() < this.keptUntil) return this.page;
    const began = performance.now();
    this.keptUntil = Infinity;
    const page = this.make()
      .then(({ body, ...rest }) => ({ ...rest, body: Buffer.from(body) }))
      .finally(() => {
        const now = performance.now();
        if (this.page === page) this.keptUntil = now + KEPT * (now - began);
      });
    this.page = page;
    return page;
  }

  /** It says something else from now on. */
  forget(): void {
    this.page = undefined;
  }
}
