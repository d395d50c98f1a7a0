// Every Node SDK over every provider's dialect, streamed and whole: what the SDK hands back, and what reached the provider,
// which enforces its own rules and records in words that no dialect owns (../upstream/script.py).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { SDKS } from './sdks.mjs';
import { open } from './stage.mjs';

const DIALECTS = ['openai-chat', 'openai-responses', 'anthropic', 'gemini', 'bedrock', 'cohere'];
const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const TOOLS = [{ name: 'get_weather', description: 'The weather of a city', parameters: city }, { name: 'get-time', description: 'The time of a city', parameters: city }];
const CITIES = ['Oslo', 'Århus "C"'];
const SCHEMA = {
  type: 'object', required: ['name', 'count', 'tags'], additionalProperties: false,
  properties: { name: { type: 'string' }, count: { type: 'integer' }, tags: { type: 'array', items: { type: 'string', enum: ['a', 'b'] } } },
};
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082', 'hex');

let stage;
before(async () => { stage = await open(); });
after(() => stage.close());

// The asks that reached the provider: in its dialect, none of them against its rules.
async function asks(dialect) {
  const seen = await stage.seen();
  assert.deepEqual(seen.map((s) => [s.refused, s.dialect]), seen.map(() => [null, dialect]));
  return seen.map((s) => s.ask);
}

const told = (sdk, text) => sdk.told?.('get_weather', text) ?? text;

const JOURNEYS = {
  async 'three turns'(sdk, dialect, stream) {
    const talk = sdk.open(stage.gateway, { model: `to-${dialect}`, system: 'Be brief.', stream });
    const said = ['first: ☀ "quoted" \\ back', 'second\nwith a line', 'third'], replies = [];
    for (const text of said) replies.push(await talk.say(text));
    assert.deepEqual(replies, said.map((text, i) => ({ text: `Turn ${2 * i + 1} — you said: ${text} ✓`, thought: '', calls: [], stop: sdk.stop })));
    const last = (await asks(dialect)).at(-1);
    assert.equal(last.system, 'Be brief.');
    assert.deepEqual(last.turns.map((t) => [t.role, t.parts.filter((p) => p.kind === 'text').map((p) => p.text).join('')]),
      [['user', said[0]], ['assistant', replies[0].text], ['user', said[1]], ['assistant', replies[1].text], ['user', said[2]]]);
  },

  async 'parallel tool calls'(sdk, dialect, stream) {
    const talk = sdk.open(stage.gateway, { model: `to-${dialect}`, tools: TOOLS, stream });
    for (const results of [['mild, 3°', 'rain & wind'], ['hot', 'cold']]) {
      const words = results.map((text) => told(sdk, text));
      const reply = await talk.say('How is the weather?');
      assert.deepEqual(reply.calls.map((c) => [c.name, c.args]), CITIES.map((c) => ['get_weather', { city: c }]));
      assert.equal(reply.stop, sdk.calls);
      if (dialect !== sdk.face) reply.calls.forEach((c) => assert.match(c.id, /^[A-Za-z0-9_-]{1,40}$/));
      const done = await talk.answer(Object.fromEntries(reply.calls.map((c, i) => [c.id, results[i]])));
      assert.deepEqual([done.text, done.calls, done.stop], [`Results: ${words.join('; ')}`, [], sdk.stop]);
      const { turns } = (await asks(dialect)).at(-1);
      const calls = turns.at(-2).parts.filter((p) => p.kind === 'call');
      assert.deepEqual(calls.map((c) => c.args.city), CITIES);
      assert.deepEqual(turns.at(-1).parts.map((p) => [p.id, p.text]), calls.map((c, i) => [c.id, words[i]]));
      if (dialect === 'gemini') {
        const signatures = turns.at(-2).parts.filter((p) => p.kind === 'thought').map((p) => p.signature);
        assert.ok(signatures.length && !signatures.includes('skip_thought_signature_validator'));
      }
    }
  },

  async 'reasoning in a tool loop'(sdk, dialect, stream) {
    const talk = sdk.open(stage.gateway, { model: `to-${dialect}-thinking`, tools: TOOLS, think: true, stream });
    const reply = await talk.say('How is the weather?');
    if (sdk.thoughts) assert.equal(reply.thought, 'Let me weigh turn 1: How is the weather?');
    const done = await talk.answer(Object.fromEntries(reply.calls.map((c) => [c.id, 'fine'])));
    assert.equal(done.text, `Results: ${told(sdk, 'fine')}; ${told(sdk, 'fine')}`);
    if (sdk.thoughts) assert.equal(done.thought, 'Let me weigh turn 3: the results');
    assert.equal((await talk.say('And now?')).text, 'Turn 5 — you said: And now? ✓');
    const [first, second] = await asks(dialect);
    assert.ok(first.think && second.think);
    if (['anthropic', 'bedrock', 'openai-responses', 'gemini'].includes(dialect)) {
      assert.ok(second.turns[1].parts.some((p) => p.kind === 'thought' && p.signature), 'the signature did not come back');
    }
  },

  async image(sdk, dialect, stream) {
    const talk = sdk.open(stage.gateway, { model: `to-${dialect}-seeing`, stream });
    assert.equal((await talk.say('What is this?', PNG)).text, `saw image/png, ${PNG.length} bytes`);
    assert.deepEqual((await asks(dialect))[0].turns[0].parts, [{ kind: 'text', text: 'What is this?' }, { kind: 'image', type: 'image/png', bytes: PNG.length }]);
  },

  async 'structured output'(sdk, dialect, stream) {
    const talk = sdk.open(stage.gateway, { model: `to-${dialect}`, schema: SCHEMA, stream });
    assert.deepEqual(JSON.parse((await talk.say('Give me one.')).text), { name: 'Ærø ☀', count: 7, tags: ['a'] });
    const [ask] = await asks(dialect);
    assert.deepEqual(Object.keys((ask.schema ?? Object.values(ask.tools)[0]).properties), ['name', 'count', 'tags']);
  },

  async 'rate limit'(sdk, dialect, stream) {
    // A model of its own: who says that it is busy is left alone for a while.
    const talk = sdk.open(stage.gateway, { model: `up-${dialect}/busy-${crypto.randomUUID().slice(0, 8)}`, stream });
    const error = await talk.say('be busy').then(() => null, (e) => e);
    assert.ok(error instanceof sdk.fault, String(error));
    assert.deepEqual([sdk.status(error), sdk.header(error, 'retry-after')], [429, '7']);
    await stage.seen();
  },
};

for (const [name, sdk] of Object.entries(SDKS)) {
  describe(name, () => {
    for (const stream of [false, true]) {
      for (const [title, journey] of Object.entries(JOURNEYS)) {
        for (const dialect of DIALECTS) test(`${title}, ${dialect}, ${stream ? 'stream' : 'whole'}`, async () => { await stage.seen(); await journey(sdk, dialect, stream); });
      }
      test(`unknown model, ${stream ? 'stream' : 'whole'}`, async () => {
        const error = await sdk.open(stage.gateway, { model: 'to-nowhere', stream }).say('hello').then(() => null, (e) => e);
        assert.ok(error instanceof (sdk.missing ?? sdk.fault), String(error));
        assert.equal(sdk.status(error), 404);
      });
    }
  });
}
