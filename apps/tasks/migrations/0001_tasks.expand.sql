-- Projects and their members, tasks in their order, comments, and the feed of what happened.

create table tasks.project (
    id uuid primary key,
    owner uuid not null,
    name text not null check (length(name) between 1 and 200),
    revision bigint not null default 1,
    made_at timestamptz not null default now(),
    changed_at timestamptz not null default now()
);

create table tasks.member (
    project uuid not null references tasks.project on delete cascade,
    person uuid not null,
    joined_at timestamptz not null default now(),
    primary key (project, person)
);

create index member_by_person on tasks.member (person, project);

create view tasks.membership as
select p.*, m.person from tasks.project as p join tasks.member as m on m.project = p.id;

create table tasks.task (
    id uuid primary key,
    project uuid not null references tasks.project on delete cascade,
    title text not null check (length(title) between 1 and 200),
    notes text not null default '' check (length(notes) <= 20000),
    state text not null default 'open' check (state in ('open', 'doing', 'done', 'cancelled')),
    priority smallint not null default 2 check (priority between 1 and 4),
    assignee uuid,
    due date,
    labels text[] not null default '{}' check (cardinality(labels) <= 20),
    place bigint not null,                              -- in the order of the project; the gaps are for moving
    revision bigint not null default 1,
    made_by uuid,                                       -- null once that person has left
    made_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    ended_at timestamptz,
    constraint task_place unique (project, place) deferrable initially deferred,
    constraint task_assignee foreign key (project, assignee) references tasks.member (project, person),
    check ((state in ('done', 'cancelled')) = (ended_at is not null))
) with (fillfactor = 80);

create index task_by_place on tasks.task (project, place, id);
create index task_by_due on tasks.task (project, due, id);
create index task_by_priority on tasks.task (project, priority, id);
create index task_by_changed_at on tasks.task (project, changed_at, id);
create index task_by_assignee on tasks.task (assignee, due, id);
create index task_by_assignee_priority on tasks.task (assignee, priority, id);
create index task_by_label on tasks.task using gin (labels);

create table tasks.comment (
    id uuid primary key,
    task uuid not null references tasks.task on delete cascade,
    author uuid,
    text text not null check (length(text) between 1 and 5000),
    made_at timestamptz not null default now()
);

create index comment_by_task on tasks.comment (task, made_at, id);
create index comment_by_author on tasks.comment (author);

create table tasks.activity (
    id uuid primary key,                                -- of the event, which is applied once
    project uuid not null references tasks.project on delete cascade,
    task uuid not null,                                 -- also of one that is gone
    actor uuid,
    what text not null check (what in ('added', 'changed', 'commented', 'removed')),
    title text not null,
    changes jsonb not null default '[]',
    at timestamptz not null
);

create index activity_by_at on tasks.activity (project, at, id);
create index activity_by_actor on tasks.activity (actor);
