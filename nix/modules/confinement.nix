# What systemd keeps a worker from. Plain data: `lockkeeper systemd-units` writes the same for other distributions
# (model/systemd-units.ts), and a test compares the two.
{
  ProtectSystem = "strict";
  # People's Git and SSH settings and their checkouts are read where they are.
  ProtectHome = "read-only";
  # A private folder would go with the worker, and with it what running builds have there.
  PrivateTmp = false;
  UMask = "0077";
  NoNewPrivileges = true;
  PrivateDevices = true;
  ProtectClock = true;
  ProtectControlGroups = true;
  ProtectHostname = true;
  ProtectKernelLogs = true;
  ProtectKernelModules = true;
  ProtectKernelTunables = true;
  LockPersonality = true;
  RestrictAddressFamilies = "AF_UNIX AF_INET AF_INET6 AF_NETLINK";
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  SystemCallArchitectures = "native";
}
