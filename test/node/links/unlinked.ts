/** Hosts that reach each other without switch or cable: a frame goes to its host at once. */
import { Layout } from '../../../node/model/fabric/layout.js';
import { Places } from '../../../node/model/fabric/places.js';

/** `placement` is the process of each host. */
export const unlinked = (placement: Int32Array): Places =>
  new Places(new Layout(placement.length, [], []), placement);
