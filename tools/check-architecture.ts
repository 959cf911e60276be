/**
 * Checks what the compiler and the linter cannot: who imports whom, and who may touch the world (see architecture.ts).
 *
 *   node tools/check-architecture.ts [ROOT]
 *
 * It reads names, not bindings: a parameter called `fetch` or `process` is reported as well. Give it another name.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { parseSync } from 'oxc-parser';
import { edges, harmlessNodeModules, mayImport, mayUsePackages, outsideSrc, reachesOutside } from './architecture.ts';

/** A node of the syntax tree, as far as this check looks at it. */
interface Syntax {
  type: string;
  start: number;
  [field: string]: unknown;
}

interface Import {
  specifier: string;
  /** Whether nothing of it is left when types are stripped. */
  typeOnly: boolean;
  /** Names imported one by one; `*` for everything. */
  names: string[];
  start: number;
}

type Report = (start: number, message: string) => void;

/** Globals that are the clock, a timer, chance or the process, whatever is done with them. */
const worldly = new Set([
  ...['process', 'global', 'globalThis', 'performance', 'fetch', 'crypto', 'navigator', 'eval', 'require'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'WebSocket', 'EventSource'],
]);

/** Globals of which only some members may be used, and only by name. */
const partlyWorldly: Readonly<Record<string, (member: string) => boolean>> = {
  Date: (member) => ['parse', 'UTC', 'prototype'].includes(member),
  Math: (member) => member !== 'random',
  Temporal: (member) => member !== 'Now',
  AbortSignal: (member) => member !== 'timeout',
};

/** Every violation under root/src as `file:line: sentence`, in the order of the files. */
export function findViolations(root: string): string[] {
  const files = globSync('src/**/*.ts', { cwd: root }).map((file) => file.replaceAll('\\', '/'));
  return files.sort().flatMap((file) => checkFile(root, file));
}

function checkFile(root: string, file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const parsed = parseSync(file, text);
  const found: { start: number; message: string }[] = [];
  const report: Report = (start, message) => found.push({ start, message });
  for (const error of parsed.errors) report(error.labels[0]?.start ?? 0, `does not parse: ${error.message}`);

  const atEdge = edges.some((edge) => covers(edge, file));
  const imports: Import[] = [];
  visit(parsed.program as unknown as Syntax, undefined, (node, parent) => {
    const imported = importOf(node);
    if (imported) imports.push(imported);
    if (isComputedImport(node)) report(node.start, 'imports a module whose name is computed; write the name out');
    if (!atEdge) checkWorldly(node, parent, report);
  });
  for (const imported of imports) checkImport(root, file, atEdge, imported, report);
  return found
    .sort((a, b) => a.start - b.start)
    .map(({ start, message }) => `${file}:${text.slice(0, start).split('\n').length}: ${message}`);
}

function visit(node: Syntax, parent: Syntax | undefined, each: (node: Syntax, parent: Syntax | undefined) => void) {
  each(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isSyntax(child)) visit(child, node, each);
    }
  }
}

function isSyntax(value: unknown): value is Syntax {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

function importOf(node: Syntax): Import | undefined {
  const source = node.source as { value?: unknown } | null | undefined;
  if (typeof source?.value !== 'string') return undefined;
  const specifiers = (node.specifiers ?? []) as Syntax[];
  const named = specifiers.filter((s) => (s.importKind ?? s.exportKind) !== 'type');
  return {
    specifier: source.value,
    typeOnly: (node.importKind ?? node.exportKind) === 'type' || node.type === 'TSImportType',
    names: specifiers.length > 0 ? named.map(nameOf) : ['*'],
    start: node.start,
  };
}

function nameOf(specifier: Syntax): string {
  const name = (specifier.type === 'ImportSpecifier' ? specifier.imported : specifier.local) as {
    name?: string;
  } | null;
  return specifier.type.startsWith('Import') && specifier.type !== 'ImportSpecifier' ? '*' : (name?.name ?? '*');
}

function isComputedImport(node: Syntax): boolean {
  return node.type === 'ImportExpression' && (node.source as Syntax).type !== 'Literal';
}

function checkWorldly(node: Syntax, parent: Syntax | undefined, report: Report) {
  if (node.type === 'NewExpression') {
    if (identifier(node.callee) === 'Date' && (node.arguments as unknown[]).length === 0) {
      report(node.start, 'reads the clock by new Date(); take the time as an argument');
    }
    return;
  }
  const name = identifier(node);
  if (name === undefined || isOnlyAName(node, parent)) return;
  if (worldly.has(name)) {
    report(node.start, `uses ${name}; only ${edges.join(', ')} may, others are handed what they need`);
  } else if (Object.hasOwn(partlyWorldly, name) && !isHarmlessUse(name, node, parent)) {
    report(node.start, `uses ${name} in a way that can reach the clock, a timer or chance; take it as an argument`);
  }
}

function identifier(node: unknown): string | undefined {
  return isSyntax(node) && node.type === 'Identifier' ? String(node.name) : undefined;
}

/** Whether the identifier names a member, a key or a type rather than a variable. */
function isOnlyAName(node: Syntax, parent: Syntax | undefined): boolean {
  if (!parent) return false;
  if (parent.type === 'MemberExpression') return parent.property === node && parent.computed === false;
  if ('key' in parent) return parent.key === node && parent.computed !== true && parent.value !== node;
  return /^(TSTypeReference|TSTypeQuery|TSQualifiedName|TSPropertySignature|TSMethodSignature|TSInterfaceHeritage)$/.test(
    parent.type,
  );
}

function isHarmlessUse(name: string, node: Syntax, parent: Syntax | undefined): boolean {
  if (parent?.type === 'MemberExpression' && parent.object === node) {
    const member = identifier(parent.property);
    return parent.computed === false && member !== undefined && partlyWorldly[name]?.(member) === true;
  }
  if (parent?.type === 'NewExpression') return parent.callee === node;
  return parent?.type === 'BinaryExpression' && parent.operator === 'instanceof';
}

function checkImport(root: string, file: string, atEdge: boolean, imported: Import, report: Report) {
  const { specifier, start } = imported;
  if (specifier.startsWith('.')) return checkDirection(root, file, specifier, start, report);
  const folder = topOf(file);
  const packages = mayUsePackages[folder];
  const isNode = specifier.startsWith('node:');
  if (packages && !isNode && !packages.includes(specifier)) {
    report(start, `imports ${specifier}; src/${folder} may import ${packages.join(', ') || 'no package'}`);
  } else if (packages && isNode) {
    report(start, `imports ${specifier}; src/${folder} is pure and imports nothing of Node`);
  } else if (!atEdge && !imported.typeOnly) {
    checkReach(file, imported, report);
  }
}

/** Values of modules that reach outside the process are for the edges and for whom architecture.ts names. */
function checkReach(file: string, { specifier, names, start }: Import, report: Report) {
  const module = specifier.startsWith('@kubernetes/client-node') ? '@kubernetes/client-node' : specifier;
  if (Object.hasOwn(reachesOutside, module)) {
    if (reachesOutside[module]?.some((allowed) => covers(allowed, file))) return;
    report(start, `imports values of ${specifier}, which only those whom tools/architecture.ts names may do`);
  } else if (module.startsWith('node:') && !harmlessNodeModules.includes(module)) {
    report(start, `imports ${specifier}, which tools/architecture.ts does not allow here`);
  } else if (
    module === 'node:crypto' &&
    names.some((name) => name === '*' || /random|webcrypto|generate/i.test(name))
  ) {
    report(
      start,
      'imports all of node:crypto or its random numbers; import what is needed by name, take chance as an argument',
    );
  } else if (!module.includes(':') && isBuiltin(module)) {
    report(start, `imports ${specifier} without node:; write node:${specifier}`);
  }
}

const isBuiltin = (module: string) => process.getBuiltinModule(module) !== undefined;

function checkDirection(root: string, file: string, specifier: string, start: number, report: Report) {
  const target = posix.normalize(posix.join(dirname(file), specifier));
  if (!target.startsWith('src/')) {
    if (Object.hasOwn(outsideSrc, target) && outsideSrc[target]?.includes(file)) return;
    report(start, `imports ${specifier}, which is outside src`);
  } else if (!existsSync(join(root, target))) {
    report(start, `imports ${specifier}, which does not exist`);
  } else {
    const [from, to] = [topOf(file), topOf(target)];
    if (from === to || mayImport[from]?.includes(to)) return;
    report(
      start,
      `src/${from} must not import src/${to} (${specifier}); tools/architecture.ts says who may import whom`,
    );
  }
}

/** The folder of src that a file is in, or its name for a file of src itself. */
function topOf(file: string): string {
  return file.split('/')[1] ?? '';
}

function covers(allowed: string, file: string): boolean {
  return allowed.endsWith('/') ? file.startsWith(allowed) : file === allowed;
}

if (import.meta.main) {
  const violations = findViolations(process.argv[2] ?? join(import.meta.dirname, '..'));
  for (const violation of violations) console.error(violation);
  if (violations.length > 0) {
    console.error(`\nThe architecture does not hold: ${violations.length} violation(s).`);
    process.exitCode = 1;
  } else {
    console.log('The architecture holds.');
  }
}
