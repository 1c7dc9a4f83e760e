/** A thing in the database that bears one of our names, or belongs to one that does. */
export interface Found {
  /** What it is: `table`, `column`, `index`, `trigger`, … */
  readonly kind: string
  /** Its name. */
  readonly name: string
  /** The table that it belongs to. */
  readonly table: string
  /** What there is to say of it. */
  readonly definition: string
}

/** Tables, and whatever else stands under their names: views, partitions, foreign and temporary tables. */
const tables = `
  select 'table' as kind, t.name, t.name as "table",
    case c.relkind when 'r' then 'ordinary' else 'of kind ' || c.relkind::text end ||
    case c.relpersistence when 'p' then ' permanent' else ' of persistence ' || c.relpersistence::text end ||
    case when c.relrowsecurity or c.relforcerowsecurity then ' with row-level security' else '' end ||
    case when c.relispartition then ' partition' else '' end as definition
  from t join pg_class c on c.oid = t.oid`

const columns = `
  select 'column', a.attname::text, t.name,
    a.attnum::text || ' ' ||
    case when n.nspname = 'pg_catalog' then y.typname::text else n.nspname::text || '.' || y.typname::text end ||
    case when a.atttypmod <> -1 then ' with a modifier' else '' end ||
    coalesce((select ' collate ' || o.collname::text from pg_collation o where o.oid = a.attcollation), '') ||
    case when a.attnotnull then ' not null' else '' end ||
    case when a.attgenerated <> '' then ' generated' when a.attidentity <> '' then ' identity'
      when a.atthasdef then ' with a default' else '' end
  from t join pg_attribute a on a.attrelid = t.oid
    join pg_type y on y.oid = a.atttypid join pg_namespace n on n.oid = y.typnamespace
  where a.attnum > 0 and not a.attisdropped and t.kind = 'r'`

/** A plain index says its method and its columns; anything else about it comes before that. */
const indexes = `
  select 'index', c.relname::text, t.name,
    case when i.indisunique then 'unique ' else '' end || case when i.indisprimary then 'primary ' else '' end ||
    case when i.indisexclusion then 'exclusion ' else '' end || case when i.indimmediate then '' else 'deferrable ' end ||
    case when i.indisvalid and i.indisready then '' else 'unfinished ' end ||
    case when i.indpred is null then '' else 'partial ' end ||
    case when i.indexprs is null then '' else 'on expressions ' end ||
    case when i.indnatts = i.indnkeyatts then '' else 'with further columns ' end ||
    case when pg_get_indexdef(c.oid) like '% NULLS NOT DISTINCT%' then 'nulls not distinct ' else '' end ||
    case when exists (select from unnest(i.indclass::oid[]) k join pg_opclass p on p.oid = k
      where not p.opcdefault or p.opcnamespace <> 'pg_catalog'::regnamespace) then 'of other operators ' else '' end ||
    case when exists (select from unnest(i.indcollation::oid[], i.indkey::smallint[]) as k (collation_of, at)
      join pg_attribute a on a.attrelid = t.oid and a.attnum = k.at
      where k.collation_of <> a.attcollation) then 'of another collation ' else '' end ||
    (select m.amname::text from pg_am m where m.oid = c.relam) || ' ' ||
    coalesce((select string_agg(a.attname::text, ',' order by k.place)
      from unnest(i.indkey::smallint[]) with ordinality as k (at, place)
      join pg_attribute a on a.attrelid = t.oid and a.attnum = k.at), '')
  from t join pg_index i on i.indrelid = t.oid join pg_class c on c.oid = i.indexrelid`

const others = `
  select 'trigger', g.tgname::text, t.name, '' from t join pg_trigger g on g.tgrelid = t.oid where not g.tgisinternal
  union all
  select 'rule', r.rulename::text, t.name, '' from t join pg_rewrite r on r.ev_class = t.oid where t.kind = 'r'
  union all
  select 'policy', p.polname::text, t.name, '' from t join pg_policy p on p.polrelid = t.oid
  union all
  select 'constraint', o.conname::text, t.name, '' from t join pg_constraint o on t.oid in (o.conrelid, o.confrelid)
    where o.contype not in ('p', 'u', 'n')
  union all
  select 'inheritance', h.inhrelid::regclass::text, t.name, '' from t
    join pg_inherits h on t.oid in (h.inhrelid, h.inhparent) where t.kind in ('r', 'p', 'f')`

/**
 * Everything that has to do with tables of the names `$2` in the schema `$1`. Runs with nothing but
 * `pg_catalog` in the search path, so that its operators are the server's own.
 */
export const everything = {
  sql: `with t as materialized (
  select c.oid, c.relname::text as name, c.relkind::text as kind from pg_class c join pg_namespace s on s.oid = c.relnamespace
  where s.nspname::text = $1 and c.relname::text = any ($2::text[]))
${[tables, columns, indexes, others].join('\n  union all')}`,
}
