export const price = "PRICE";
