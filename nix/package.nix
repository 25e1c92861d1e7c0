{
  lib,
  stdenvNoCC,
  buildNpmPackage,
  cacert,
  git,
  importNpmLock,
  makeWrapper,
  nix,
  nodejs,
  openssh,
  stdenv,
  temporal-cli,
  util-linux,
}:

let
  manifest = lib.importJSON ../package.json;
  # @temporalio/core-bridge carries five platforms, 148 MB; one is used.
  platform = "${stdenv.hostPlatform.parsed.cpu.name}-unknown-linux-gnu";
in
buildNpmPackage {
  pname = manifest.name;
  inherit (manifest) version;

  src = lib.cleanSourceWith {
    src = lib.cleanSource ../.;
    filter =
      path: _:
      !(lib.elem (baseNameOf path) [
        ".cache"
        "dist"
        "node_modules"
      ]);
  };

  npmDeps = importNpmLock {
    npmRoot = ../.;
    packageSourceOverrides = import ./npm-packages.nix {
      inherit
        lib
        stdenvNoCC
        cacert
        nodejs
        ;
    };
  };
  inherit (importNpmLock) npmConfigHook;
  # The native parts come prebuilt; their install scripts would only look for others.
  npmRebuildFlags = [ "--ignore-scripts" ];

  nativeBuildInputs = [ makeWrapper ];

  # npm run build compiles, and bundles the client and the workflows ahead of time.
  installPhase = ''
    runHook preInstall

    npm prune --omit=dev --no-save --ignore-scripts
    find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name ${platform} -exec rm -r {} +
    rm -r dist/test dist/scripts dist/.build-stamp
    # V8 writes it differently every time; the client does without, a tenth of a second slower.
    rm dist/client/bundle.cache
    # It names the archives that were installed from, which would keep all of them in the closure.
    rm node_modules/.package-lock.json

    home=$out/lib/lockkeeper
    mkdir -p "$home"
    cp -r bin dist node_modules "$home"
    # So does the one in the build's folder; npmConfigHook puts ours back in some releases of nixpkgs, and in others not.
    install -m 644 ${../package.json} "$home/package.json"
    # What a build runs beside its JavaScript: the supervisor of builds.
    find activities -name '*.sh' -exec cp --parents {} "$home" \;
    patchShebangs "$home/bin"
    # What a machine has of its own comes first: its Nix has to fit its daemon.
    makeWrapper "$home/bin/lockkeeper" "$out/bin/lockkeeper" \
      --suffix PATH : ${
        lib.makeBinPath [
          git
          nix
          openssh
          temporal-cli
          util-linux
        ]
      }

    runHook postInstall
  '';

  doInstallCheck = true;
  installCheckPhase = ''
    runHook preInstallCheck
    "$out/bin/lockkeeper" --version
    "$out/bin/lockkeeper" worker --help >/dev/null
    runHook postInstallCheck
  '';

  meta = {
    inherit (manifest) description;
    license = lib.licenses.mit;
    mainProgram = "lockkeeper";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
  };
}
