/** The credentials of Vitrina's making that a text shows in clear: API keys, refresh tokens, access tokens, hashes of passwords. */
export function credentialsIn(text: string): string[] {
  return text.match(credential) ?? [];
}

const credential =
  /vtr_[0-9a-f]{16}_[\w-]{43}|vtf_[\w-]{43}|eyJ[\w-]{8,}\.[\w-]*\.[\w-]{8,}[\w.-]*|\$argon2id?\$[^\s"]+|\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}/g;

/** The two lines of a first start that show the key of the first admin, as documented. */
const shownOnce = /^(First admin key \(shown once\): |Try it: curl ).*$/gm;

/** @throws Error naming the kind of what a server printed and must not have */
export function refuseCredentials(printed: string): void {
  const [found] = credentialsIn(printed.replace(shownOnce, ''));
  if (found !== undefined) throw new Error(`a server printed a credential: ${found.slice(0, 12)}…`);
}
