/** The schema as text, from the catalog: reviewers read its diff, and a test holds the committed copy to it. */
import { type Kysely, sql } from 'kysely'

type Line = { readonly line: string }

/** Tables with their columns, constraints and indexes, sorted by name; the same on every supported version. */
export async function dumpSchema<Db>(db: Kysely<Db>): Promise<string> {
  const { rows } = await sql<Line>`
    with ours as (
      select c.oid, c.relname as name, c.reloptions as options from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname not like 'kysely%'
    )
    select line from (
      select name, 0 as part, 0 as place, 'table ' || name || coalesce(' with (' || array_to_string(options, ', ') || ')', '') as line from ours
      union all
      select name, 1, a.attnum, '  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
          || case when a.attnotnull then ' not null' else '' end
          || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
        from ours join pg_attribute a on a.attrelid = ours.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      union all
      select name, 2, 0, '  ' || k.conname || ': ' || pg_get_constraintdef(k.oid)
        from ours join pg_constraint k on k.conrelid = ours.oid and k.contype in ('p', 'u', 'f', 'c')
      union all
      select name, 3, 0, '  ' || pg_get_indexdef(i.indexrelid)
        from ours join pg_index i on i.indrelid = ours.oid
        where not exists (select from pg_constraint k where k.conindid = i.indexrelid)
    ) lines order by name collate "C", part, place, line collate "C"`.execute(db)
  return `${rows.map((row) => row.line).join('\n')}\n`
}
