// docs/clients.md as programs: a journey takes its client from the fragment that users copy, so the page cannot drift.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const PAGE = readFileSync(new URL('../../../docs/clients.md', import.meta.url), 'utf8');
export const FRAGMENTS = new Map([...PAGE.matchAll(/^```js (\S+)\n(.*?)^```$/gms)].map(([, name, text]) => [name, text]));
// The models that the page asks for: a target of the journey stands in for them.
const MODELS = /anthropic\/claude-sonnet-5|openai\/gpt-5\.5/g;
const folder = new URL('.cache/', import.meta.url);     // beside node_modules, so that imports resolve
let made = 0;

// What the fragment exports, with its address, key and model changed, and nothing else.
export async function run(name, url, key, model) {
  const text = FRAGMENTS.get(name);
  assert.ok(text?.includes('http://127.0.0.1:4000') && text.includes('your-gateway-key') && text.match(MODELS), `a fragment holds address, key and model: ${name}`);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${process.pid}-${made += 1}.mjs`, folder);
  writeFileSync(file, text.replaceAll('http://127.0.0.1:4000', url).replaceAll('your-gateway-key', key).replaceAll(MODELS, model));
  return import(file);
}
