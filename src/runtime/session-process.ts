/** The inside of a session's process: loads one graph, answers one message after the other until it is killed. */
import { Worker } from 'node:worker_threads';
import { openInlineSession, reasonOf } from './inline-session.js';
import type { FromProcess, ProcessTask, ToProcess } from './process-session.js';
import type { Session } from './session.js';
import { timeSession } from './timing.js';

process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.once('message', (task: ProcessTask) => void begin(task));

async function begin({ graph, options, parent }: ProcessTask): Promise<void> {
  endWith(parent);
  try {
    const session = await openInlineSession(graph, options);
    process.on('message', (message: ToProcess) => void answer(session, message).then(tell));
    tell({ ready: true });
  } catch (error) {
    tell({ refused: reasonIn(error) });
  }
}

const mostBytes = 2 ** 30;

async function answer(session: Session, message: ToProcess): Promise<FromProcess> {
  if ('signature' in message) return { timing: await timeSession(session, message.signature) };
  try {
    const outputs = await session.run(message.inputs);
    const bytes = Object.values(outputs).reduce(
      (sum, { data }) => sum + (Array.isArray(data) ? 0 : data.byteLength),
      0,
    );
    // They are copied twice on their way.
    if (bytes > mostBytes)
      return { rejected: `its outputs take ${bytes} bytes, and at most ${mostBytes} are passed on` };
    return { outputs };
  } catch (error) {
    return { rejected: reasonIn(error) };
  }
}

/** What ONNX Runtime said, without the sentence of the catalogue around it, which the other side puts there. */
const reasonIn = (error: unknown) => reasonOf((error as Error).cause ?? error);

/** While a graph computes, this thread does not see that its parent is gone: another one looks. */
function endWith(parent: number): void {
  const look = `setInterval(() => process.ppid === ${parent} || process.kill(${process.pid}, 'SIGKILL'), 500)`;
  new Worker(look, { eval: true, name: 'vitrina-parent-watch' });
}

function tell(message: FromProcess): void {
  process.send!(message);
}
