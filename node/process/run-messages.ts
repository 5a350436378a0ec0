/** A run's specification and outcome as they travel over the control socket. */
import { reader } from '../../wire/control/shape.js';
import { printModuleReference } from '../spec/module-reference.js';
import { RUN_OUTCOME, RUN_SPEC, type RunSpec } from '../spec/run-spec.js';

/** A specification as plain data: `inputs` becomes an object, `module` a text. */
export const specMessage = (spec: RunSpec): object => ({
  ...spec,
  module: printModuleReference(spec.module),
  inputs: Object.fromEntries(spec.inputs),
});

/** A specification, or what is wrong with it. */
export const parseRunSpec = reader(RUN_SPEC);

/** An outcome, or what is wrong with it. */
export const parseRunOutcome = reader(RUN_OUTCOME);
