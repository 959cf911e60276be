import { POLICY_FINALIZER } from '../../api/names.ts';
import type { Slot } from '../model.ts';
import type { ReadPolicy } from '../policy/owners.ts';
import type { Step } from '../steps.ts';
import type { Halt } from './halt.ts';

/**
 * What is to be written about a policy, one thing at a time: that it halts or goes on, and a finalizer for as long as one
 * of its nodes has a slot, so that nobody deletes unseen what a node in flight belongs to.
 */
export function policyStep({ policy }: ReadPolicy, slots: readonly Slot[], halt: Halt | undefined): Step | null {
  if (halt?.step) return halt.step;
  const inFlight = slots.some(({ policyUID }) => policyUID === policy.metadata.uid);
  const guarded = policy.metadata.finalizers?.includes(POLICY_FINALIZER) === true;
  // The API server takes no new finalizer for an object that is being deleted.
  if (inFlight === guarded || (inFlight && policy.metadata.deletionTimestamp !== undefined)) return null;
  return { kind: 'guardPolicy', policy, guarded: inFlight };
}
