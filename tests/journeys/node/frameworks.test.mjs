// Frameworks over foreign providers, made by the fragments of docs/clients.md: their own loops for tools, their own history.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { generateText, jsonSchema, stepCountIs, streamText, tool as vercelTool } from 'ai';
import { createAgent, tool } from 'langchain';
import { z } from 'zod';

import { FRAGMENTS, run } from './clients.mjs';
import { open } from './stage.mjs';

// Each dialect upstream with a model that it would have; the first three that are foreign to a face are its journey.
const UPSTREAM = {
  anthropic: 'up-anthropic/claude-sonnet-4-5-20250929', gemini: 'up-gemini/gemini-3-pro-preview',
  bedrock: 'up-bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'openai-chat': 'up-openai-chat/gpt-4.1', 'openai-responses': 'up-openai-responses/gpt-4.1',
};
const PNG = '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082';
const CITIES = ['Oslo', 'Århus "C"'];

function langchain({ model }, called, stream) {
  const weather = tool(({ city }) => { called.push(city); return `mild in ${city}`; }, { name: 'get_weather', description: 'The weather of a city', schema: z.object({ city: z.string() }) });
  const agent = createAgent({ model, tools: [weather], systemPrompt: 'Be brief.' });
  let messages = [];
  return async (text, image) => {
    const content = image ? [{ type: 'text', text }, { type: 'image_url', image_url: { url: `data:image/png;base64,${image}` } }] : text;
    const turn = { messages: [...messages, { role: 'user', content }] };
    let pieces = 0, state;
    if (stream) {
      for await (const [mode, value] of await agent.stream(turn, { streamMode: ['messages', 'values'] })) {
        if (mode === 'values') state = value;
        else if (value[0].text && value[0].type === 'ai') pieces += 1;
      }
    } else state = await agent.invoke(turn);
    messages = state.messages;
    return { text: messages.at(-1).text, pieces };
  };
}

function vercel({ model }, called, stream) {
  const schema = jsonSchema({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false });
  const tools = { get_weather: vercelTool({ description: 'The weather of a city', inputSchema: schema, execute: ({ city }) => { called.push(city); return `mild in ${city}`; } }) };
  const messages = [];
  return async (text, image) => {
    messages.push({ role: 'user', content: image ? [{ type: 'text', text }, { type: 'image', image, mediaType: 'image/png' }] : text });
    const call = { model, tools, system: 'Be brief.', messages, stopWhen: stepCountIs(4), maxRetries: 0 };
    let pieces = 0, done;
    if (stream) {
      done = streamText(call);
      for await (const _ of done.textStream) pieces += 1;
    } else done = await generateText(call);
    messages.push(...(await done.response).messages);
    return { text: await done.text, pieces };
  };
}

const FRAMEWORKS = {
  'langchain-openai': [langchain, 'openai-chat'], 'langchain-anthropic': [langchain, 'anthropic'],
  'ai-openai': [vercel, 'openai-responses'], 'ai-anthropic': [vercel, 'anthropic'], 'ai-google': [vercel, 'gemini'],
};

let stage;
before(async () => { stage = await open(); });
after(() => { rmSync(new URL('.cache/', import.meta.url), { recursive: true, force: true }); return stage.close(); });

async function asks(dialect) {
  const seen = await stage.seen();
  assert.deepEqual(seen.map((s) => [s.refused, s.dialect]), seen.map(() => [null, dialect]));
  return seen.map((s) => s.ask);
}

for (const [name, [make, face]] of Object.entries(FRAMEWORKS)) {
  describe(name, () => {
    for (const dialect of Object.keys(UPSTREAM).filter((d) => d !== face).slice(0, 3)) {
      for (const stream of [false, true]) {
        test(`three turns with tools, and an image, ${dialect}, ${stream ? 'stream' : 'whole'}`, async () => {
          await stage.seen();
          const called = [];
          const say = make(await run(name, stage.gateway, 'any', UPSTREAM[dialect]), called, stream);
          const first = await say('first: ☀ "quoted" \\ back');
          assert.equal(first.text, 'Turn 1 — you said: first: ☀ "quoted" \\ back ✓');
          if (stream) assert.ok(first.pieces > 1, String(first.pieces));
          const told = (await say('How is the weather?')).text.replaceAll('\\"', '"');
          assert.ok(told.startsWith('Results: ') && CITIES.every((c) => told.includes(`mild in ${c}`)), told);
          assert.deepEqual(called.toSorted(), CITIES);
          assert.equal((await say('third')).text, 'Turn 7 — you said: third ✓');
          assert.equal((await asks(dialect)).at(-1).system, 'Be brief.');
          assert.equal((await say('What is this?', PNG && Buffer.from(PNG, 'hex').toString('base64'))).text, `saw image/png, ${PNG.length / 2} bytes`);
          await asks(dialect);
        });
      }
    }
  });
}

test('every fragment of the page is run: those that are a whole call', async () => {
  for (const name of FRAGMENTS.keys()) {
    if (FRAMEWORKS[name]) continue;
    const { text } = await run(name, stage.gateway, 'any', UPSTREAM.gemini);
    assert.equal(text, 'Turn 1 — you said: Hello ✓', name);
  }
  await asks('gemini');
});
