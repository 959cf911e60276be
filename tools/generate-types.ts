/**
 * Makes src/api/generated/*.ts from crds/*.yaml, the one source of the schema.
 *
 *   node tools/generate-types.ts           writes them
 *   node tools/generate-types.ts --check   fails if they are not what it would write
 */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { compile } from 'json-schema-to-typescript';
import { parse } from 'yaml';

/** What is read of a CRD's schema; everything else in it is for the API server. */
interface Schema {
  type: string;
  title?: string;
  tsType?: string;
  description?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | false;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
}

interface Crd {
  spec: { names: { kind: string }; versions: { schema: { openAPIV3Schema: Schema } }[] };
}

/** Names that read better than those made of the path. */
const names: Readonly<Record<string, string>> = {
  NodeSelector: 'LabelSelector',
  NodeSelectorMatchExpression: 'LabelSelectorRequirement',
  GatesPrometheus: 'PrometheusGate',
  GatesPrometheusAlerts: 'AlertRules',
  GatesPrometheusAuth: 'PrometheusAuth',
  GatesPrometheusTls: 'PrometheusTls',
  GatesPrometheusTlsCaSecret: 'SecretKeyRef',
  GatesPrometheusAlertsMatch: 'AlertSelector',
  GatesPrometheusAlertsMatchLabel: 'LabelMatcher',
  Nodes: 'NodeCounts',
  Agent: 'AgentReport',
  History: 'HistoryEntry',
};

const lineWidth = 116;

/** The generated files of a project: path below root to content. */
export async function generateTypes(root: string): Promise<Map<string, string>> {
  const generated = new Map<string, string>();
  for (const file of globSync('crds/*.yaml', { cwd: root }).sort()) {
    const crd = parse(readFileSync(join(root, file), 'utf8')) as Crd;
    const { kind } = crd.spec.names;
    generated.set(`src/api/generated/${kind.toLowerCase()}.ts`, await generateOne(file, kind, crd));
  }
  return generated;
}

async function generateOne(file: string, kind: string, crd: Crd): Promise<string> {
  const [version] = crd.spec.versions;
  if (version === undefined) throw new Error(`${file} has no version`);
  const schema = version.schema.openAPIV3Schema;
  const { spec, status, metadata } = schema.properties ?? {};
  if (metadata) metadata.tsType = 'ObjectMeta';
  schema.required = ['metadata', ...(schema.required ?? [])];
  if (spec) spec.title = `${kind}Spec`;
  if (status) status.title = `${kind}Status`;
  prepare(schema, []);
  schema.title = kind;
  const code = await compile(schema as Parameters<typeof compile>[0], kind, {
    additionalProperties: false,
    bannerComment: `// Made by tools/generate-types.ts from ${file}. Do not edit; run: node tools/generate-types.ts\n\nimport type { ObjectMeta } from '../objects.ts';`,
    ignoreMinAndMaxItems: true,
    style: { bracketSpacing: true, printWidth: 120, singleQuote: true, trailingComma: 'all' },
  });
  const clash = /export interface (\w+\d+) /.exec(code)?.[1];
  if (clash !== undefined)
    throw new Error(`two types of ${file} have one name (${clash}): give one another in "names"`);
  return tidy(code);
}

/** Gives every object of the schema a name, from its path, and its description line breaks. */
function prepare(schema: Schema, path: readonly string[]) {
  if (schema.description !== undefined) schema.description = wrap(schema.description);
  const type = untitled(schema);
  if (type !== undefined) {
    schema.tsType = type;
  } else if (schema.properties && schema.title === undefined) {
    const name = path.filter((part) => part !== 'spec' && part !== 'status').join('');
    schema.title = names[name] ?? name;
  }
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    prepare(property, [...path, path.length === 0 ? key : capitalise(key)]);
  }
  if (schema.items) prepare(schema.items, [...path.slice(0, -1), singular(path.at(-1) ?? '')]);
}

/** The type of what needs no name of its own, and of which the schema does not tell it as JSON Schema does. */
function untitled(schema: Schema): string | undefined {
  if (schema['x-kubernetes-preserve-unknown-fields']) return 'Record<string, unknown>';
  if (schema['x-kubernetes-int-or-string']) return 'number | string';
  return schema.additionalProperties ? `Record<string, ${schema.additionalProperties.type}>` : undefined;
}

function wrap(text: string): string {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines.length - 1;
    const longer = lines[last] === '' ? word : `${lines[last]} ${word}`;
    if (longer.length > lineWidth - ' * '.length) lines.push(word);
    else lines[last] = longer;
  }
  return lines.join('\n');
}

/** One line for comments that fit in one, a blank line between types. */
function tidy(code: string): string {
  return code
    .replace(/^ +\*\n +\* @maxItems \d+\n/gm, '')
    .replace(/\/\*\*\n +\* (.*)\n +\*\//g, '/** $1 */')
    .replace(/^\}\n(?=\/|export)/gm, '}\n\n');
}

const capitalise = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
const singular = (word: string) => word.replace(/s$/, '');

/** The generated files that are not as they should be. */
export async function staleTypes(root: string): Promise<string[]> {
  const generated = await generateTypes(root);
  const unknown = globSync('src/api/generated/*.ts', { cwd: root }).filter((file) => !generated.has(file));
  const stale = [...generated].filter(([file, content]) => {
    const path = join(root, file);
    return !existsSync(path) || readFileSync(path, 'utf8') !== content;
  });
  return [...stale.map(([file]) => file), ...unknown];
}

async function main() {
  const root = join(import.meta.dirname, '..');
  if (process.argv.includes('--check')) {
    const stale = (await staleTypes(root)).map((file) => basename(file));
    if (stale.length > 0) {
      console.error(`${stale.join(', ')} in src/api/generated differ from crds/: run node tools/generate-types.ts`);
      process.exitCode = 1;
    }
    return;
  }
  for (const [file, content] of await generateTypes(root)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), content);
    console.log(file);
  }
}

if (import.meta.main) await main();
