// Uploads a file with tus-js-client, breaks off in the middle of it, and goes on with another client.
// node tus.mjs ENDPOINT FILE NAME

import { createReadStream, statSync } from "node:fs"
import * as tus from "tus-js-client"

const [endpoint, path, name] = process.argv.slice(2)
const uploadSize = statSync(path).size
const common = { uploadSize, metadata: { filename: name, title: name }, retryDelays: [0, 100, 500] }

function upload(options, until) {
  return new Promise((resolve, reject) => {
    const client = new tus.Upload(createReadStream(path), {
      ...common,
      ...options,
      onError: reject,
      onSuccess: () => resolve({ url: client.url, finished: true }),
      onChunkComplete: (size, accepted) => {
        if (accepted < until) return
        client.abort().then(() => resolve({ url: client.url, finished: false, accepted }), reject)
      },
    })
    client.start()
  })
}

const first = await upload({ endpoint, chunkSize: 3_000_000 }, uploadSize / 3)
if (first.finished) throw new Error("the first client was to break off")
const second = await upload({ uploadUrl: first.url, chunkSize: 5_000_000 }, Infinity)
console.log(JSON.stringify({ first, second }))
