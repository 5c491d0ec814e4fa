/**
 * An IndexedDB database that may be taken away at any time: the visitor deletes the site's data, the browser closes
 * the connection, another program of the same site has made a database of that name without our stores. It is opened
 * again then, once for each piece of work, with the stores that are missing; and nothing waits for it without end.
 */
import { type DBSchema, type IDBPDatabase, openDB, type StoreNames } from "idb";
import { within } from "../../engine/within.ts";

/** How long a database may take to open, in milliseconds: the page waits for it. */
const PATIENCE = 5000;

/** Makes a store that is missing. */
export type Builders<S extends DBSchema> = {
  [Name in StoreNames<S> & string]: (database: IDBPDatabase<S>) => void;
};

export class Database<S extends DBSchema> {
  #open: Promise<IDBPDatabase<S>> | undefined;

  constructor(
    private readonly name: string,
    private readonly builders: Builders<S>,
  ) {}

  /** Does a piece of work; where the connection turns out to be gone, once more with a new one. */
  async use<T>(work: (database: IDBPDatabase<S>) => Promise<T>): Promise<T> {
    const first = await this.#connect();
    try {
      return await work(first);
    } catch (error) {
      // What was full or refused stays so; a connection that was closed, or lost its stores, says one of these.
      if (!["InvalidStateError", "NotFoundError", "AbortError"].includes((error as Error).name)) throw error;
      first.close();
      this.#open = undefined;
      return await work(await this.#connect());
    }
  }

  #connect(): Promise<IDBPDatabase<S>> {
    this.#open ??= within(this.#connectNow(), `the database ${this.name}`, PATIENCE).catch((error) => {
      this.#open = undefined;
      throw error;
    });
    return this.#open;
  }

  async #connectNow(version?: number): Promise<IDBPDatabase<S>> {
    const names = Object.keys(this.builders) as (StoreNames<S> & string)[];
    const forget = () => {
      this.#open = undefined;
    };
    const database = await openDB<S>(this.name, version, {
      upgrade: (database) => {
        for (const name of names)
          if (!database.objectStoreNames.contains(name)) this.builders[name](database);
      },
      // Another tab deletes it, or adds what is missing.
      blocking() {
        forget();
        database.close();
      },
      terminated: forget,
    });
    if (names.every((name) => database.objectStoreNames.contains(name))) return database;
    database.close();
    return await this.#connectNow(database.version + 1);
  }
}
