import { EventEmitter } from 'node:events';
import { type FSWatcher, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import type { WatchFiles } from '../../src/agent/directoryWatch.ts';
import { SentinelFiles } from '../../src/agent/sentinelFiles.ts';
import { MemoryLog } from '../support/log.ts';
import { waitFor } from '../testbed/process/wait.ts';

describe('the watch of sentinel files', () => {
  let folder: string;
  let stop: AbortController;
  let log: MemoryLog;
  let notices: number;
  const at = (name: string) => join(folder, name);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'watch-'));
    stop = new AbortController();
    log = new MemoryLog();
    notices = 0;
  });
  afterEach(() => {
    stop.abort();
    rmSync(folder, { recursive: true });
  });

  /** Watches, and has been read once, as the agent does at its first step. */
  async function watching(paths: readonly string[], watchFiles?: WatchFiles): Promise<SentinelFiles> {
    const sentinels = new SentinelFiles(paths, log, watchFiles);
    sentinels.watch(() => {
      notices += 1;
    }, stop.signal);
    await sentinels.read();
    return sentinels;
  }

  /** Makes a change, and waits until it is noticed. */
  async function noticed(what: string, change: () => void): Promise<void> {
    const before = notices;
    change();
    await waitFor(`a notice of ${what}`, async () => notices > before || undefined, { timeoutMs: 5_000 });
  }

  it('notices when they appear, change, are replaced by a rename, and go', async () => {
    await watching([at('reboot-required'), at('other')]);
    await noticed('one that appears', () => writeFileSync(at('reboot-required'), ''));
    await noticed('its list', () => writeFileSync(at('reboot-required.pkgs'), 'libc6'));
    await noticed('one that is replaced', () => {
      writeFileSync(at('.new'), '');
      renameSync(at('.new'), at('reboot-required'));
    });
    await noticed('one that goes', () => rmSync(at('reboot-required')));
    await noticed('the other', () => writeFileSync(at('other'), ''));
  });

  it('costs nothing for what happens to other files of the directory', async () => {
    await watching([at('reboot-required')]);
    for (let file = 0; file < 50; file += 1) writeFileSync(at(`reboot-required-${file}`), 'x');
    await noticed('the sentinel', () => renameSync(at('reboot-required-0'), at('reboot-required')));
    // The file system tells in order: what is told of the removal comes after all the rest.
    await noticed('its end', () => rmSync(at('reboot-required')));
    expect(notices).to.equal(2);
  });

  it('is of the directory that a link leads to, as /var/run does', async () => {
    mkdirSync(at('run'));
    symlinkSync('run', at('var-run'));
    await watching([at('var-run/reboot-required')]);
    await noticed('one behind the link', () => writeFileSync(at('run/reboot-required'), ''));
  });

  it('follows a link that leads elsewhere after the next look', async () => {
    mkdirSync(at('old'));
    mkdirSync(at('new'));
    symlinkSync('old', at('run'));
    const sentinels = await watching([at('run/reboot-required')]);
    symlinkSync('new', at('next'));
    renameSync(at('next'), at('run'));
    await sentinels.read();
    await noticed('one behind the new link', () => writeFileSync(at('new/reboot-required'), ''));
  });

  it('begins with the next look where the directory was missing, and says so once', async () => {
    const sentinels = await watching([at('late/reboot-required')]);
    await sentinels.read();
    await sentinels.read();
    const complaint = 'the directory of a sentinel cannot be watched; it is looked at once a minute';
    expect(log.of('warn')).to.deep.equal([complaint]);
    expect(log.lines[0]?.fields).to.include({ directory: at('late'), errorType: 'Error' });
    mkdirSync(at('late'));
    await sentinels.read();
    expect(log.of('info')).to.deep.equal(['the directory of a sentinel is watched again']);
    await noticed('one in the late directory', () => writeFileSync(at('late/reboot-required'), ''));
    expect(log.of('warn')).to.have.length(1);
  });

  it('goes over to a directory that has taken the place of another', async () => {
    mkdirSync(at('run'));
    const sentinels = await watching([at('run/reboot-required')]);
    await noticed('the end of the directory', () => rmSync(at('run'), { recursive: true }));
    mkdirSync(at('run'));
    await sentinels.read();
    await noticed('one in the new directory', () => writeFileSync(at('run/reboot-required'), ''));
  });

  it('goes over to a directory that was renamed into the place of another', async () => {
    mkdirSync(at('run'));
    mkdirSync(at('next'));
    const sentinels = await watching([at('run/reboot-required')]);
    await noticed('the directory that leaves', () => renameSync(at('run'), at('before')));
    renameSync(at('next'), at('run'));
    await sentinels.read();
    await noticed('one in the new directory', () => writeFileSync(at('run/reboot-required'), ''));
  });

  it('says once that the system gives it no watch, and watches when it does', async () => {
    const watchers: EventEmitter[] = [];
    let full = true;
    const watchFiles: WatchFiles = () => {
      if (full) throw Object.assign(new Error('inotify limit reached'), { code: 'ENOSPC' });
      const watcher = Object.assign(new EventEmitter(), { close: () => undefined });
      watchers.push(watcher);
      return watcher as unknown as FSWatcher;
    };
    const sentinels = await watching([at('reboot-required')], watchFiles);
    writeFileSync(at('reboot-required'), '');
    expect((await sentinels.read()).required, 'the slow poll goes on').to.equal(true);
    expect(log.of('warn')).to.have.length(1);
    expect(log.lines[0]?.fields).to.include({ error: 'inotify limit reached', directory: folder });
    full = false;
    await sentinels.read();
    watchers[0]?.emit('change', 'rename', 'reboot-required');
    expect(notices).to.equal(1);
    watchers[0]?.emit('error', new Error('the watch broke'));
    expect(log.of('warn'), 'another failure is said, too').to.have.length(2);
    await sentinels.read();
    watchers[1]?.emit('change', 'rename', 'reboot-required');
    expect(notices, 'by a new watch').to.equal(2);
  });

  it('is one for all sentinels of a directory, and is not opened again by every look', async () => {
    let opened = 0;
    const watchFiles: WatchFiles = () => {
      opened += 1;
      return Object.assign(new EventEmitter(), { close: () => undefined }) as unknown as FSWatcher;
    };
    const sentinels = await watching([at('a'), at('b')], watchFiles);
    await sentinels.read();
    expect(opened).to.equal(1);
  });

  it('is opened again after what happened to the directory itself, whose inode another may have got', async () => {
    const watchers: EventEmitter[] = [];
    const watchFiles: WatchFiles = () => {
      const watcher = Object.assign(new EventEmitter(), { close: () => undefined });
      watchers.push(watcher);
      return watcher as unknown as FSWatcher;
    };
    const sentinels = await watching([at('a')], watchFiles);
    watchers[0]?.emit('change', 'rename', basename(folder));
    expect(notices).to.equal(1);
    await sentinels.read();
    expect(watchers).to.have.length(2);
  });

  it('ends when it is told to, and does not begin again', async () => {
    let open = 0;
    const watchFiles: WatchFiles = () => {
      open += 1;
      const close = () => {
        open -= 1;
      };
      return Object.assign(new EventEmitter(), { close }) as unknown as FSWatcher;
    };
    const sentinels = await watching([at('a')], watchFiles);
    expect(open).to.equal(1);
    stop.abort();
    expect(open).to.equal(0);
    await sentinels.read();
    expect(open).to.equal(0);
  });
});
