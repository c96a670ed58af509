// Pages of long lists as Relay cursor connections (https://relay.dev/graphql/connections.htm), forwards only.
import { ArgsType, Directive, Field, Int, ObjectType, type ClassType } from "type-graphql";

import type { Page, PageArgs } from "../accounts/model/page.ts";
import { AccountEventObject } from "./account-event.object.ts";
import { QueuedEmailObject } from "./queued-email.object.ts";
import { UserObject } from "./user.object.ts";

@ArgsType()
export class ConnectionArgs {
  @Field(() => Int, {
    defaultValue: 20,
    description: "The maximum number of items to return, from 1 to 100.",
  })
  first!: number;

  @Field(() => String, {
    nullable: true,
    description:
      "Returns the items after this cursor, which is the `endCursor` of the previous page. If omitted or null, the " +
      "list starts at the beginning.",
  })
  after?: string | null;

  get page(): PageArgs {
    return { first: this.first, ...(this.after != null && { after: this.after }) };
  }
}

@Directive("@shareable")
@ObjectType({ description: "Information about pagination in a connection." })
class PageInfo {
  @Field(() => Boolean, { description: "Whether more items follow this page." })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: "Whether this page was requested with an `after` cursor." })
  hasPreviousPage!: boolean;

  @Field(() => String, {
    nullable: true,
    description: "The cursor of the first item on this page. Null if the page is empty.",
  })
  startCursor!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The cursor of the last item on this page, to use as `after` for the next page. Null if the page is empty.",
  })
  endCursor!: string | null;
}

/** The connection and edge types of a node type. */
function connectionOf<Node extends object>(name: string, nodeType: ClassType<Node>) {
  @ObjectType(`${name}Edge`, { description: "An item of a list and its cursor." })
  class Edge {
    @Field(() => String, { description: "The position of the item in the list, to use as `after`." })
    cursor!: string;

    @Field(() => nodeType, { description: "The item." })
    node!: Node;
  }

  @ObjectType(`${name}Connection`, {
    description:
      "A page of a list, which is read forwards only: there are no `last` and `before`, since clients keep the pages that they have read.",
  })
  class Connection {
    @Field(() => [Edge], { description: "The items of this page, in the order of the list." })
    edges!: Edge[];

    @Field(() => PageInfo, { description: "Whether there are more pages, and the cursors of this one." })
    pageInfo!: PageInfo;

    static of<Item>(page: Page<Item>, { after }: PageArgs, toNode: (item: Item) => Node): Connection {
      const edges = page.edges.map(({ cursor, node }) => ({ cursor, node: toNode(node) }));
      const pageInfo = {
        hasNextPage: page.hasNextPage,
        hasPreviousPage: after !== undefined,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      };
      return Object.assign(new Connection(), { edges, pageInfo });
    }
  }
  return Connection;
}

export const UserConnection = connectionOf("User", UserObject);
export type UserConnection = InstanceType<typeof UserConnection>;

export const AccountEventConnection = connectionOf("AccountEvent", AccountEventObject);
export type AccountEventConnection = InstanceType<typeof AccountEventConnection>;

export const QueuedEmailConnection = connectionOf("QueuedEmail", QueuedEmailObject);
export type QueuedEmailConnection = InstanceType<typeof QueuedEmailConnection>;
