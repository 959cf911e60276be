import { expect } from 'chai';
import { TestBed } from './testbed.ts';
import { changes } from './timeline/changes.ts';
import type { Timeline } from './timeline/timeline.ts';

const nodeReboots = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: nodereboots.drydock.dev}
spec:
  group: drydock.dev
  scope: Cluster
  names: {plural: nodereboots, singular: nodereboot, kind: NodeReboot}
  versions:
  - {name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
`;

describe('the timeline of the test bed', () => {
  let bed: TestBed;
  let timeline: Timeline;

  before(async () => {
    bed = await TestBed.start({ nodes: ['n1'] });
    await bed.apply('apiVersion: v1\nkind: Namespace\nmetadata: {name: drydock}\n');
    timeline = await bed.timeline();
  });

  after(() => bed?.stop());

  const touch = async (value: string): Promise<void> => {
    const options = { method: 'PATCH', contentType: 'application/merge-patch+json' } as const;
    await bed.api.json('/api/v1/nodes/n1', {
      ...options,
      body: { metadata: { annotations: { 'test/touch': value } } },
    });
  };

  const touches = (from: number): unknown[] =>
    timeline
      .ordered('Node', 'n1')
      .filter((entry) => timeline.entries.indexOf(entry) >= from && entry.type === 'MODIFIED')
      .map(({ object }) => (object.metadata.annotations as Record<string, string>)['test/touch'])
      .filter((value, i, all) => value !== all[i - 1]);

  it('begins with what exists', () => {
    expect(timeline.entries.map(({ type, kind, name }) => `${type} ${kind} ${name}`)).to.include('ADDED Node n1');
  });

  it('has every change, in order, with what it was before', async () => {
    const from = timeline.mark();
    for (let i = 0; i < 20; i++) await touch(`a${i}`);
    const last = await timeline.until(touchedWith('a19'), { timeoutMs: 5_000, what: 'the last touch', from });
    expect(touches(from)).to.deep.equal(Array.from({ length: 20 }, (_, i) => `a${i}`));
    expect(changes(last.previous, last.object)).to.deep.equal(['metadata.annotations["test/touch"]: "a19"']);
  });

  it('goes on where it was when the API server comes back', async () => {
    const from = timeline.mark();
    await touch('before');
    await bed.stopApiServer();
    await bed.startApiServer();
    await touch('after');
    await timeline.until(touchedWith('after'), { timeoutMs: 10_000, what: 'the touch after the outage', from });
    expect(touches(from)).to.deep.equal(['before', 'after']);
    expect(timeline.entries.filter(({ type, name }) => type === 'ADDED' && name === 'n1')).to.have.length(1);
  });

  it('sees Leases, Pods and their ends', async () => {
    const from = timeline.mark();
    await bed.apply('apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: l1, namespace: drydock}\n');
    await bed.apply(
      'apiVersion: v1\nkind: Pod\nmetadata: {name: p1, namespace: drydock}\nspec: {containers: [{name: a, image: a}]}\n',
    );
    await bed.kubectl(['delete', 'lease/l1', 'pod/p1', '-n', 'drydock', '--wait=false']);
    for (const name of ['l1', 'p1']) {
      const options = { timeoutMs: 10_000, what: `end of ${name}`, from };
      await timeline.until((entry) => entry.name === name && entry.type === 'DELETED', options);
    }
    expect(timeline.latest('Lease', 'l1', 'drydock')).to.equal(undefined);
  });

  it('sees objects of a type that was not there when it began', async () => {
    const from = timeline.mark();
    await bed.apply(nodeReboots);
    await bed.kubectl(['wait', '--for=condition=Established', 'crd/nodereboots.drydock.dev']);
    await bed.apply('apiVersion: drydock.dev/v1alpha1\nkind: NodeReboot\nmetadata: {name: n1}\n');
    const options = { timeoutMs: 10_000, what: 'the NodeReboot', from };
    const entry = await timeline.until(({ kind }) => kind === 'NodeReboot', options);
    expect(entry).to.include({ type: 'ADDED', name: 'n1' });
  });

  it('fails a wait with what was awaited and what happened instead', async () => {
    await touch('seen');
    const options = { timeoutMs: 300, what: 'a cordon' };
    const error = await timeline.until(() => false, options).catch((e: Error) => e);
    expect(error).to.be.an('error').with.property('message');
    expect((error as Error).message).to.match(/^a cordon: not after 300 ms\n/);
    expect((error as Error).message).to.contain('MODIFIED Node/n1 metadata.annotations["test/touch"]: "seen"');
  });

  it('passes on what a predicate throws', async () => {
    const from = timeline.mark();
    const wait = timeline.until(
      () => {
        throw new Error('a mistake in the test');
      },
      { timeoutMs: 5_000, what: 'nothing', from },
    );
    const settled = wait.catch((e: Error) => e.message);
    await touch('again');
    expect(await settled).to.equal('a mistake in the test');
  });
});

function touchedWith(value: string): (entry: { object: { metadata: Record<string, unknown> } }) => boolean {
  return ({ object }) => (object.metadata.annotations as Record<string, string> | undefined)?.['test/touch'] === value;
}
