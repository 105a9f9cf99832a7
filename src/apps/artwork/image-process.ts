/** The inside of the process that decodes images, one at a time, when nobody else needs the processor. */
import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { examineImage } from './examine-image.js';
import type { FromImageProcess, ImageTask } from './image-task.js';

/** What is added to the server's own, as by `nice`. */
const niceness = 10;

// Whoever asked is gone, killed perhaps: nobody wants an answer. An orderly exit would wait for the decoder's threads.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', (task: ImageTask) => {
  examineImage(task).then(
    (examination) => tell({ examination, memory: process.memoryUsage.rss() }),
    (error: unknown) => tell({ failed: String(error) }),
  );
});
stepBack();
tell({ ready: true });

function tell(message: FromImageProcess): void {
  process.send!(message);
}

/** On Linux priorities are those of threads (setpriority(2), "C library/kernel differences"); new threads inherit them. */
function stepBack(): void {
  try {
    const priority = Math.min(19, getPriority() + niceness);
    const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [0];
    for (const thread of threads) setPriority(thread, priority);
  } catch {
    // A container may hide /proc or forbid it: images are decoded as well, only not as modestly.
  }
}
