// The image's health check: exit 0 if PINWIRE_HEALTH_URL answers 200. The image has no curl.
const url = process.env.PINWIRE_HEALTH_URL ?? 'http://127.0.0.1:7600/healthz';
try {
  const { status } = await fetch(url, { signal: AbortSignal.timeout(4000) });
  if (status !== 200) throw new Error(`status ${status}`);
} catch (error) {
  console.error(`${url}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
