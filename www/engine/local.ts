/** Models from the visitor's own disk: a folder that was picked, or files that were dropped. */

/** The files of a folder and what lies in it; folders within it are left alone, as a model has none. */
export async function filesOf(
  from: FileSystemDirectoryHandle | DataTransfer | Iterable<File>,
): Promise<File[]> {
  if (Symbol.iterator in from) return [...from];
  if ("values" in from) {
    const files: File[] = [];
    for await (const handle of from.values()) {
      if (handle.kind === "file") files.push(await (handle as FileSystemFileHandle).getFile());
    }
    return files;
  }
  // What was dropped must be asked for before the first wait: the browser forgets it then.
  const entries = [...from.items].map((item) => item.webkitGetAsEntry());
  const loose = [...from.files];
  const folder = entries.find((entry) => entry?.isDirectory) as FileSystemDirectoryEntry | undefined;
  if (!folder) return loose;
  const reader = folder.createReader();
  const files: File[] = [];
  for (;;) {
    // A reader hands out some entries at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return files;
    for (const entry of some.filter((entry) => entry.isFile)) {
      files.push(
        await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)),
      );
    }
  }
}

let folders = 0;

/** An address that stands for picked files: no server has it. */
export function addressOf(files: File[]): string {
  const path = files[0]?.webkitRelativePath.split("/")[0] || "files";
  return `https://${++folders}.files.invalid/${encodeURIComponent(path)}/`;
}
