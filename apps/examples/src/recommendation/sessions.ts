/**
 * Generated shopping: everyday things, now and then a device, and coupons. After a coupon comes the accessory of the
 * device that was bought last, however long ago. Earlier devices, coupons and accessories are in the way.
 */

const DEVICES = ['printer', 'phone', 'camera', 'razor', 'bicycle', 'kettle', 'guitar', 'lamp'];
const ACCESSORIES = ['ink', 'case', 'film', 'blades', 'bell', 'filter', 'strings', 'bulb'];
const EVERYDAY = 'milk bread eggs rice salt tea soap apples beans cheese oil onions paper sugar'.split(' ');
const COUPON = DEVICES.length + ACCESSORIES.length + EVERYDAY.length;

/** Every item, by its id. */
export const ITEMS: readonly string[] = [...DEVICES, ...ACCESSORIES, ...EVERYDAY, 'coupon'];

export const LENGTH = 20;

/** Item ids, one more than the model is given: each is what follows the one before. */
export function randomSession(random: () => number): number[] {
  const pick = (count: number): number => Math.floor(random() * count);
  let device = pick(DEVICES.length);
  const items = [device];
  while (items.length <= LENGTH) {
    const chance = random();
    if (chance < 0.2) items.push((device = pick(DEVICES.length)));
    else if (chance < 0.35) items.push(COUPON, DEVICES.length + device);
    else items.push(DEVICES.length + ACCESSORIES.length + pick(EVERYDAY.length));
  }
  return items.slice(0, LENGTH + 1);
}

export function isCoupon(item: number): boolean {
  return item === COUPON;
}
