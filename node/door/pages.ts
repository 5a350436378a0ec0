/**
 * Plain pages of a door (`/healthz`, `/metrics`): read by machines without the token, never by a web page. A page that
 * dials this machine says so by its Origin header; one that rebinds its own name to our address is recognised by the
 * Host header, so only names that no stranger can own in public DNS count as ours.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** The longest body; a longer one is our fault. */
const MAX_BODY = 16 << 20;
/** Names that public DNS never answers for, by their last label. */
const PRIVATE = ['localhost', 'local', 'internal', 'svc', 'lan', 'intranet', 'test'];

export interface Page {
  readonly status: number;
  /** Its media type. */
  readonly type: string;
  readonly body: string | Buffer;
}

export type PageTable = Readonly<Record<string, () => Page | Promise<Page>>>;

/** Why a request for a page is not answered, if it is not. */
export type PageRefusal = 'origin' | 'garbage';

/** Whether the request may see a page; `names` are names of this door besides addresses and private ones. */
export function pageRefusal(
  request: IncomingMessage,
  names: readonly string[],
): PageRefusal | undefined {
  const { headers, method } = request;
  if (headers.origin !== undefined) return 'origin';
  if (headers.host !== undefined && !isOurName(headers.host, names)) return 'origin';
  const hasBody =
    headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
  return (method !== 'GET' && method !== 'HEAD') || hasBody ? 'garbage' : undefined;
}

/** Answers with the page, and with 500 if it cannot be made. The connection ends with it. */
export async function servePage(
  make: () => Page | Promise<Page>,
  { method }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let page: Page;
  try {
    page = await make();
    if (Buffer.byteLength(page.body) > MAX_BODY) throw new RangeError('the page is too long');
  } catch (error) {
    page = { status: 500, type: 'text/plain', body: `${String(error)}\n` };
  }
  if (response.destroyed) return;
  response.writeHead(page.status, {
    'content-type': page.type,
    'content-length': Buffer.byteLength(page.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(method === 'HEAD' ? undefined : page.body);
}

/** `Host` without its port: an address, a name without dots, a private one, this machine's, or one of `names`. */
function isOurName(header: string, names: readonly string[]): boolean {
  const host = header.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
  if (isIP(host.replace(/^\[|\]$/g, '')) !== 0) return true;
  if (!/^[a-z0-9_.-]+$/.test(host)) return false;
  if (!host.includes('.') || PRIVATE.includes(host.slice(host.lastIndexOf('.') + 1))) return true;
  return [hostname(), ...names].some((name) => name.toLowerCase() === host);
}
