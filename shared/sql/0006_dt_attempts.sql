-- A look at a service is counted when it begins, so that one that ends its process is known by the count. A look that ended
-- well sets it back; until `due_at` nobody begins another one.
alter table dt.service
  add column attempts integer not null default 0 check (attempts >= 0),
  add column due_at timestamptz,
  -- Firings before it belong to a former resource of this name: they are kept, and count no more.
  add column first_firing bigint not null default 0;

comment on column dt.service.spec is
  'What the resource asks for, variables of its images (env) included: they are stored in clear and must hold no secret.';
