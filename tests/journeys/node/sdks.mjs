// One adapter for each unmodified SDK. `open(url, {model, system, tools, think, schema, stream})` begins a conversation with
// `say(text, image)` and `answer({id: text})`, which give {text, thought, calls: [{id, name, args}], stop}.
import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, generateText, jsonSchema, Output, streamText, tool } from 'ai';
import OpenAI from 'openai';

const dataUrl = (image) => `data:image/png;base64,${image.toString('base64')}`;
const once = (make) => { const made = new Map(); return (url) => made.get(url) ?? made.set(url, make(url)).get(url); };
const openai = once((url) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 }));
const anthropic = once((url) => new Anthropic({ baseURL: url, apiKey: 'any', maxRetries: 0 }));

function chat(url, { model, system, tools, think, schema, stream }) {
  const history = system ? [{ role: 'system', content: system }] : [];
  const body = {
    model,
    ...(tools && { tools: tools.map((t) => ({ type: 'function', function: t })) }),
    ...(think && { reasoning_effort: 'medium' }),
    ...(schema && { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } }),
  };
  async function send(...messages) {
    history.push(...messages);
    let done, thought = '';
    if (stream) {
      const events = openai(url).chat.completions.stream({ ...body, messages: history });
      for await (const chunk of events) thought += chunk.choices[0]?.delta.reasoning_content ?? '';
      done = await events.finalChatCompletion();
    } else {
      done = await openai(url).chat.completions.create({ ...body, messages: history });
      thought = done.choices[0].message.reasoning_content ?? '';
    }
    const [{ message, finish_reason }] = done.choices;
    const { role, content, tool_calls } = message;
    history.push({ role, content, ...(tool_calls && { tool_calls }) });
    const calls = (tool_calls ?? []).map((c) => ({ id: c.id, name: c.function.name, args: JSON.parse(c.function.arguments) }));
    return { text: content ?? '', thought, calls, stop: finish_reason };
  }
  return {
    say: (text, image) => send({
      role: 'user',
      content: image ? [{ type: 'text', text }, { type: 'image_url', image_url: { url: dataUrl(image) } }] : text,
    }),
    answer: (results) => send(...Object.entries(results).map(([id, text]) => ({ role: 'tool', tool_call_id: id, content: text }))),
  };
}

function responses(url, { model, system, tools, think, schema, stream }) {
  const history = [];
  const body = {
    model, store: false, include: ['reasoning.encrypted_content'],
    ...(system && { instructions: system }),
    ...(tools && { tools: tools.map((t) => ({ type: 'function', strict: false, ...t })) }),
    ...(think && { reasoning: { effort: 'medium', summary: 'auto' } }),
    ...(schema && { text: { format: { type: 'json_schema', name: 'answer', schema, strict: true } } }),
  };
  async function send(...items) {
    history.push(...items);
    const call = { ...body, input: history };
    const done = stream ? await openai(url).responses.stream(call).finalResponse() : await openai(url).responses.create(call);
    history.push(...done.output.map(({ parsed_arguments, ...item }) => item.type === 'message'
      ? { ...item, content: item.content.map(({ parsed, ...part }) => part) } : item));
    const of = (type) => done.output.filter((item) => item.type === type);
    return {
      text: done.output_text,
      thought: of('reasoning').flatMap((r) => r.summary).map((s) => s.text).join(''),
      calls: of('function_call').map((c) => ({ id: c.call_id, name: c.name, args: JSON.parse(c.arguments) })),
      stop: done.status,
    };
  }
  return {
    say: (text, image) => send({
      role: 'user',
      content: image ? [{ type: 'input_text', text }, { type: 'input_image', detail: 'auto', image_url: dataUrl(image) }] : text,
    }),
    answer: (results) => send(...Object.entries(results).map(([call_id, output]) => ({ type: 'function_call_output', call_id, output }))),
  };
}

function messages(url, { model, system, tools, think, schema, stream }) {
  const history = [];
  const body = {
    model, max_tokens: 8192,
    ...(system && { system }),
    ...(tools && { tools: tools.map(({ parameters, ...t }) => ({ ...t, input_schema: parameters })) }),
    ...(think && { thinking: { type: 'enabled', budget_tokens: 2048 } }),
    ...(schema && { output_config: { format: { type: 'json_schema', schema } } }),
  };
  async function send(content) {
    history.push({ role: 'user', content });
    const call = { ...body, messages: history };
    const done = stream ? await anthropic(url).messages.stream(call).finalMessage() : await anthropic(url).messages.create(call);
    history.push({ role: 'assistant', content: done.content });
    const of = (type) => done.content.filter((block) => block.type === type);
    return {
      text: of('text').map((b) => b.text).join(''),
      thought: of('thinking').map((b) => b.thinking).join(''),
      calls: of('tool_use').map((b) => ({ id: b.id, name: b.name, args: b.input })),
      stop: done.stop_reason,
    };
  }
  return {
    say: (text, image) => send(image
      ? [{ type: 'text', text }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: image.toString('base64') } }] : text),
    answer: (results) => send(Object.entries(results).map(([tool_use_id, content]) => ({ type: 'tool_result', tool_use_id, content }))),
  };
}

// Vercel's AI SDK over one of its providers; `thinking` are that provider's options for reasoning.
const vercel = (provider, thinking) => (url, { model, system, tools, think, schema, stream }) => {
  const history = [], names = {};
  const call = {
    model: provider(url, model), maxRetries: 0,
    ...(system && { system }),
    ...(tools && { tools: Object.fromEntries(tools.map((t) => [t.name, tool({ description: t.description, inputSchema: jsonSchema(t.parameters) })])) }),
    ...(schema && { output: Output.object({ schema: jsonSchema(schema) }) }),
    ...(think && { providerOptions: thinking }),
  };
  async function send(message) {
    history.push(message);
    let fault;
    const done = stream ? streamText({ ...call, messages: history, onError: ({ error }) => { fault = error; } }) : await generateText({ ...call, messages: history });
    if (stream) await done.consumeStream();
    if (fault) throw fault;
    history.push(...(await done.response).messages);
    const calls = (await done.toolCalls).map((c) => ({ id: c.toolCallId, name: c.toolName, args: c.input }));
    calls.forEach((c) => { names[c.id] = c.name; });
    return { text: await done.text, thought: (await done.reasoningText) ?? '', calls, stop: await done.finishReason };
  }
  return {
    say: (text, image) => send({ role: 'user', content: image ? [{ type: 'text', text }, { type: 'image', image, mediaType: 'image/png' }] : text }),
    answer: (results) => send({
      role: 'tool',
      content: Object.entries(results).map(([toolCallId, value]) => ({ type: 'tool-result', toolCallId, toolName: names[toolCallId], output: { type: 'text', value } })),
    }),
  };
};

const status = (error) => error.status ?? error.statusCode;
const header = (error, name) => error.headers?.get?.(name) ?? error.responseHeaders?.[name];
const ai = { stop: 'stop', calls: 'tool-calls', fault: APICallError, status, header };

// told: how the SDK words a tool's result. face: the dialect that it speaks; stop, calls: its words for how a turn ends; thoughts: false where the SDK shows none.
export const SDKS = {
  'openai chat': { open: chat, face: 'openai-chat', stop: 'stop', calls: 'tool_calls', fault: OpenAI.RateLimitError, missing: OpenAI.NotFoundError, status, header, thoughts: true },
  'openai responses': { open: responses, face: 'openai-responses', stop: 'completed', calls: 'completed', fault: OpenAI.RateLimitError, missing: OpenAI.NotFoundError, status, header, thoughts: true },
  anthropic: { open: messages, face: 'anthropic', stop: 'end_turn', calls: 'tool_use', fault: Anthropic.RateLimitError, missing: Anthropic.NotFoundError, status, header, thoughts: true },
  'ai openai chat': { ...ai, face: 'openai-chat', thoughts: false, open: vercel((url, model) => createOpenAI({ baseURL: `${url}/v1`, apiKey: 'any' }).chat(model), { openai: { reasoningEffort: 'medium', forceReasoning: true } }) },
  'ai openai responses': {
    ...ai, face: 'openai-responses', thoughts: true,
    open: vercel((url, model) => createOpenAI({ baseURL: `${url}/v1`, apiKey: 'any' }).responses(model), { openai: { reasoningEffort: 'medium', reasoningSummary: 'auto', store: false, include: ['reasoning.encrypted_content'], forceReasoning: true } }),
  },
  'ai anthropic': { ...ai, face: 'anthropic', thoughts: true, open: vercel((url, model) => createAnthropic({ baseURL: `${url}/v1`, apiKey: 'any' })(model), { anthropic: { thinking: { type: 'enabled', budgetTokens: 2048 } } }) },
  'ai google': { ...ai, face: 'gemini', told: (name, content) => JSON.stringify({ name, content }), thoughts: true, open: vercel((url, model) => createGoogleGenerativeAI({ baseURL: `${url}/v1beta`, apiKey: 'any' })(model), { google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 2048 } } }) },
};
