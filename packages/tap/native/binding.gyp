{
  "targets": [
    {
      "target_name": "fata_tap",
      "sources": ["addon.c", "batch.c", "system.c", "watch.c"],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
      "ldflags": ["-s"],
    }
  ]
}
