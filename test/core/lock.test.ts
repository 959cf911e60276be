import { expect } from 'chai';
import fc from 'fast-check';
import type { Lease } from '../../src/api/objects.ts';
import { lockAnnotations, readLock } from '../../src/core/lock/lock.ts';
import type { Slot } from '../../src/core/model.ts';
import { applyEdits, type LockEdit } from '../../src/core/steps.ts';
import { aSlot } from '../support/cluster.ts';

const lease = (annotations: Record<string, string>, spec: Lease['spec'] = {}): Lease => ({
  metadata: { name: 'drydock-lock', uid: 'l', resourceVersion: '7', creationTimestamp: '', annotations },
  spec,
});
const good = lockAnnotations(3, [aSlot('n1')]);

describe('the cluster lock', () => {
  const word = fc.string({ minLength: 1, unit: 'grapheme' });
  const slot = fc.record<Slot>({
    node: word,
    nodeUID: word,
    policyUID: word,
    attemptID: word,
    fromBootID: word,
    requested: fc.string(),
  });
  const slots = fc.uniqueArray(slot, { maxLength: 20, selector: ({ node }) => node });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.nat(999_999_999_999), slots, (epoch, written) => {
        expect(readLock(lease(lockAnnotations(epoch, written)))).to.deep.equal({
          kind: 'ok',
          resourceVersion: '7',
          epoch,
          slots: written,
          hold: null,
        });
      }),
    );
  });

  it('may be full', () => {
    const full = Array.from({ length: 200 }, (_, index) => aSlot(`n${index}`));
    expect(readLock(lease(lockAnnotations(1, full)))).to.include({ kind: 'ok' });
    expect(lockAnnotations(1, full)['drydock.dev/slots'], 'far below the limit of the API server').to.have.length.below(
      128 * 1024,
    );
  });

  it('is missing where there is no Lease, which is not an empty lock', () => {
    expect(readLock(undefined)).to.deep.equal({ kind: 'missing' });
  });

  const { attemptID: _, ...incomplete } = aSlot('n1');
  const unreadable: Record<string, Record<string, string>> = {
    'an empty Lease': {},
    'no format': { 'drydock.dev/format': '' },
    'format 0': { 'drydock.dev/format': '0' },
    'no epoch': { 'drydock.dev/epoch': '' },
    'an epoch below zero': { 'drydock.dev/epoch': '-1' },
    'an epoch of words': { 'drydock.dev/epoch': 'seven' },
    'slots that are no JSON': { 'drydock.dev/slots': '[' },
    'slots that are no list': { 'drydock.dev/slots': '{}' },
    'a slot that is none': { 'drydock.dev/slots': '[null]' },
    'a slot without an attempt': { 'drydock.dev/slots': JSON.stringify([incomplete]) },
    'a slot of an empty attempt': { 'drydock.dev/slots': JSON.stringify([aSlot('n1', { attemptID: '' })]) },
    'a slot whose mark is no text': { 'drydock.dev/slots': JSON.stringify([{ ...aSlot('n1'), requested: null }]) },
    'two slots of one node': { 'drydock.dev/slots': JSON.stringify([aSlot('n1'), aSlot('n1', { attemptID: 'b' })]) },
    'more slots than there may be': {
      'drydock.dev/slots': JSON.stringify(Array.from({ length: 201 }, (_, index) => aSlot(`n${index}`))),
    },
  };
  for (const [what, changes] of Object.entries(unreadable)) {
    it(`is unreadable with ${what}, not empty, and says why`, () => {
      const annotations = what === 'an empty Lease' ? {} : { ...good, ...changes };
      const read = readLock(lease(annotations));
      expect(read).to.include({ kind: 'unreadable', resourceVersion: '7' });
      expect(read).to.have.property('why').that.has.length.above(10);
    });
  }

  it('is never taken for an empty one, whatever its annotations are', () => {
    const text = fc.option(fc.oneof(fc.string(), fc.json(), fc.constantFrom('', '1', '0', 'null', '{}', '""')), {
      nil: undefined,
    });
    fc.assert(
      fc.property(text, text, text, (format, epoch, stored) => {
        const entries = Object.entries({
          'drydock.dev/format': format,
          'drydock.dev/epoch': epoch,
          'drydock.dev/slots': stored,
        }).filter((entry): entry is [string, string] => entry[1] !== undefined);
        const read = readLock(lease(Object.fromEntries(entries)));
        if (read.kind === 'ok') expect(JSON.parse(stored ?? '')).to.deep.equal(read.slots);
      }),
    );
  });

  it('of a newer format is left alone, whatever else it says', () => {
    expect(readLock(lease({ 'drydock.dev/format': '2' }))).to.deep.equal({ kind: 'newer', format: '2' });
    expect(readLock(lease({ ...good, 'drydock.dev/format': '10' }))).to.include({ kind: 'newer' });
  });

  it('is held from outside by whoever its Lease names', () => {
    const hold = { holderIdentity: 'ops', renewTime: '2026-11-02T12:00:00.000000Z', leaseDurationSeconds: 60 };
    expect(readLock(lease(good, hold))).to.have.deep.property('hold', {
      holder: 'ops',
      renewTime: '2026-11-02T12:00:00.000000Z',
      durationSeconds: 60,
    });
    expect(readLock(lease(good, { holderIdentity: '' }))).to.have.property('hold', null);
  });

  it('is edited slot by slot', () => {
    const edit = (...edits: LockEdit[]) => applyEdits([aSlot('n1'), aSlot('n2')], edits);
    const names = (all: readonly Slot[]) => all.map(({ node, requested }) => `${node}:${requested}`);
    expect(names(edit({ kind: 'take', slot: aSlot('n3') }))).to.deep.equal(['n1:', 'n2:', 'n3:']);
    expect(names(edit({ kind: 'free', attemptID: 'attempt-of-n1', why: '' }))).to.deep.equal(['n2:']);
    const mark = { kind: 'mark', attemptID: 'attempt-of-n2', nodeRebootUID: 'u' } as const;
    expect(names(edit(mark))).to.deep.equal(['n1:', 'n2:u']);
    expect(names(edit(mark, { kind: 'unmark', attemptID: 'attempt-of-n2' }))).to.deep.equal(['n1:', 'n2:']);
    expect(names(edit({ kind: 'free', attemptID: 'unknown', why: '' }))).to.deep.equal(['n1:', 'n2:']);
  });
});
