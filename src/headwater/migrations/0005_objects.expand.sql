-- Uploads: bytes that are in the object store, or on their way there, and that no commit has made its own yet.
-- The row is committed before the first byte arrives; so whatever is cut off, its bytes are known and can be swept.
create table headwater.upload (
    id uuid primary key,                -- random, and with it the prefix of the bytes: it cannot be guessed
    expires_at timestamptz not null     -- past this it is swept
);

create index upload_expires_at on headwater.upload (expires_at);

-- Objects: uploads that a command has kept. In its transaction the row above becomes the row below.
create table headwater.object (
    id uuid primary key,
    size bigint not null,               -- bytes
    media_type text not null,           -- what the first bytes say it is
    sha256 bytea,                       -- null if the bytes did not arrive in one request
    filename text,                      -- what the client called it
    parts jsonb not null,               -- [[name, size], …]: where the bytes are, in order
    created_at timestamptz not null default now()
);

-- Resumable uploads (tus): how far each has come. The position moves in the same statement that records the part.
create table headwater.resumable (
    id uuid primary key,
    route text not null,                -- path of the uploads it belongs to
    owner text,                         -- the principal who began it
    length bigint,                      -- bytes it will have; null while that is deferred
    position bigint not null default 0, -- bytes that are durable
    parts jsonb not null default '[]',
    sha256 bytea,                       -- of all bytes, if one request brought them
    metadata text not null default '',  -- Upload-Metadata as it came
    expires_at timestamptz not null,
    finished_at timestamptz             -- when it became an object
);

create index resumable_expires_at on headwater.resumable (expires_at);
