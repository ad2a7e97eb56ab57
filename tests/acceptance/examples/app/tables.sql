create table library.book (id uuid primary key, title text not null, copies bigint not null);
create table library.ticket (id bigint primary key, subject text not null);
create table library.shelf (books bigint not null, imported bigint not null);
insert into library.shelf values (0, 0);
