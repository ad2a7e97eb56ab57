create table album.picture (
    id uuid primary key default uuidv7(),
    title text not null,
    object uuid not null references headwater.object
);
