export const sibling = "another controller";
