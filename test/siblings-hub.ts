import type { Siblings } from '../src/services/siblings.js';

type Respond = (question: unknown) => unknown;

/** As many processes of one server as are asked for, without the processes: questions and answers are cloned. */
export function siblingsHub(count: number): Siblings[] {
  const answers = Array.from({ length: count }, () => new Map<string, Respond>());
  return answers.map((own, i) => ({
    index: i + 1,
    answer(topic, respond) {
      own.set(topic, respond);
    },
    async ask(topic, question) {
      const others = answers.filter((other) => other !== own && other.has(topic));
      return Promise.all(
        others.map(async (other) => structuredClone(await other.get(topic)!(structuredClone(question)))),
      );
    },
  }));
}
