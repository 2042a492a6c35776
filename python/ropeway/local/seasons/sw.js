// Asks the network first, and keeps what it got for when there is none. A season keeps nothing of the one before.
const NAME = "SEASON";
const keep = async () => (await caches.open(NAME)).add("/");
const forget = async () => Promise.all((await caches.keys()).filter((name) => name !== NAME).map((name) => caches.delete(name)));

self.addEventListener("install", (event) => event.waitUntil(keep().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(forget().then(() => self.clients.claim())));
self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(answer(event.request));
});

async function answer(request) {
  try {
    const got = await fetch(request);
    if (got.ok && !got.redirected) (await caches.open(NAME)).put(request, got.clone());
    return got;
  } catch (error) {
    return (await caches.match(request)) ?? Promise.reject(error);
  }
}
