create table tasks.task (id uuid primary key, title text not null, revision bigint not null default 1);
