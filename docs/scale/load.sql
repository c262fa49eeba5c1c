-- Puts what `headcount convert --to postgres` prints into the tables of schema.sql:
--     headcount convert --to postgres records.jsonl | psql -v stream=users -f load.sql
-- It is one transaction. Everything in it is a union: rows that were there before, or come
-- again, or late, or in another order, change nothing but what they bring.
\set ON_ERROR_STOP on
begin;
create temporary table incoming (start bigint, who jsonb, users text) on commit drop;
\copy incoming from pstdin

create temporary table united on commit drop as
select who, to_timestamp(start) as start,
       hll_union_agg(('\x' || users)::hll(14, 5, -1, 1)) as users
from incoming
group by who, start;

insert into headcount_minutes as had
select :'stream', who, start, users
from united
on conflict (stream, who, start) do update set users = hll_union(had.users, excluded.users);

insert into headcount_quarters as had
select :'stream', who, date_bin('15 minutes', start, 'epoch') as quarter, hll_union_agg(users),
       bit_or(1 << (extract(epoch from start)::bigint / 60 % 15)::int)
from united
group by who, quarter
on conflict (stream, who, start) do update
    set users = hll_union(had.users, excluded.users), minutes = had.minutes | excluded.minutes;
commit;
