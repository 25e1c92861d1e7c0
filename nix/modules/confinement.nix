# What systemd keeps a worker and the commands beside it from: the table of model/confinement.json, from which
# `lockkeeper systemd-units` writes the same for other distributions.
{
  # Whether the worker runs coding agents: their sandbox takes namespaces of its own, a /proc of which nothing is covered,
  # a network device, and control groups with its limits. Root's worker does not: see lockkeeper.nix.
  agent,
  # Whether the account is root, who reads other people's checkouts by its capabilities. Nobody else gets any.
  root,
}:

let
  table = builtins.fromJSON (builtins.readFile ../../model/confinement.json);
in
table.every
// (if agent then table.withAgent else table.withoutAgent)
// (if root then table.root else table.account)
