// The stage of the journeys (stage.py beside this folder): the scripted provider and the built gateway before it.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../stage.py', import.meta.url));

export async function open() {
  const child = spawn('python3', [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { value, done } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (done) throw new Error('the stage did not open');
  const { gateway, upstream, dialects } = JSON.parse(value);
  return {
    gateway,
    dialects,
    // What reached the provider since this was last asked.
    seen: async () => (await fetch(`${upstream}/_seen`)).json(),
    close: () => new Promise((resolve) => { child.on('exit', resolve); child.stdin.end(); }),
  };
}
