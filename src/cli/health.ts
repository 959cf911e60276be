import type { Answer, Routes } from '../platform/httpServer.ts';

/** `/healthz` and `/readyz`, as kubelets probe them. */
export function healthRoutes(healthy: () => boolean, ready: () => boolean): Routes {
  return { '/healthz': () => said(healthy()), '/readyz': () => said(ready()) };
}

function said(good: boolean): Answer {
  return good ? { status: 200, body: 'ok\n' } : { status: 503, body: 'not ok\n' };
}
