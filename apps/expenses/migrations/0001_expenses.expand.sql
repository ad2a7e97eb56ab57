-- Categories, expenses, budgets and notices. An owner is a person's identifier; whose app that is, is not our business.

create table expenses.category (
    id uuid primary key,
    owner uuid not null,
    name text not null check (length(name) between 1 and 60),
    revision bigint not null default 1,
    unique (owner, name),
    unique (owner, id)
);

create index category_by_name on expenses.category (owner, name, id);

create table expenses.expense (
    id uuid primary key,
    owner uuid not null,
    category uuid not null,
    kind text not null check (kind in ('expense', 'refund')),
    amount bigint not null check (amount between 1 and 1000000000000),   -- minor units
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    note text not null check (length(note) <= 500),
    at timestamptz not null,
    day date not null check (day between '1900-01-01' and '2099-12-31'),    -- as far as months have reports
    revision bigint not null default 1,
    foreign key (owner, category) references expenses.category (owner, id)  -- nobody spends in another's category
);

create index expense_by_day on expenses.expense (owner, day, id);
create index expense_by_amount on expenses.expense (owner, amount, id);
create index expense_by_category on expenses.expense (owner, category, day);

create table expenses.budget (
    owner uuid not null,
    category uuid not null,
    month date not null check (extract(day from month) = 1),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    amount bigint not null check (amount between 1 and 1000000000000),
    exceeded boolean not null,
    revision bigint not null default 1,
    primary key (owner, category, month, currency),
    foreign key (owner, category) references expenses.category (owner, id) on delete cascade
);

create index budget_by_month on expenses.budget (owner, month, category, currency);

create table expenses.notice (
    id uuid primary key,
    owner uuid not null,
    category uuid not null,
    month date not null,
    currency text not null,
    budget bigint not null,
    net bigint not null,
    at timestamptz not null,
    foreign key (owner, category) references expenses.category (owner, id) on delete cascade
);

create index notice_by_time on expenses.notice (owner, at, id);
create index notice_by_category on expenses.notice (owner, category);
