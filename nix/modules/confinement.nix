# What systemd keeps a worker from. Plain data: `lockkeeper systemd-units` writes the same for other distributions
# (model/systemd-units.ts), and a test compares the two.
{
  # Whether it runs coding agents: their sandbox takes namespaces of its own, a /proc of which nothing is covered, and a
  # network device.
  agent,
}:

{
  ProtectSystem = "strict";
  # People's Git and SSH settings and their checkouts are read where they are.
  ProtectHome = "read-only";
  # A private folder would go with the worker, and with it what running builds have there.
  PrivateTmp = false;
  UMask = "0077";
  NoNewPrivileges = true;
  PrivateDevices = !agent;
  DevicePolicy = "closed";
  DeviceAllow = if agent then "/dev/net/tun rw" else "";
  ProtectClock = true;
  ProtectControlGroups = true;
  ProtectHostname = true;
  ProtectKernelLogs = !agent;
  ProtectKernelModules = true;
  ProtectKernelTunables = !agent;
  LockPersonality = true;
  RestrictAddressFamilies = "AF_UNIX AF_INET AF_INET6 AF_NETLINK";
  RestrictNamespaces = !agent;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  SystemCallArchitectures = "native";
}
